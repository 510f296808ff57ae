/** What holds for every command of the operator's tool, by the tool's own list of them: none can be forgotten. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { approvalKey } from "../../../rules/contract";
import { commandNames, summaries } from "../../../cli/command-line/registry";
import { parseCall, type Command } from "../../../cli/command-line/command";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { approval, good, report } from "./fleet-samples";
import { commands as allCommands, runFleet } from "./run-fleet";

const root = resolve(__dirname, "../../..");
const commands = Object.values(allCommands);

let fake: FakeCompute;
let endpoint: string;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  fake.instances = [
    {
      name: "dev-alice",
      labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" },
      guest: { "nixos-fleet/system": JSON.stringify(report({ at: new Date().toISOString() })) },
    },
  ];
  fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(good));
});
afterEach(() => fake.stop());

async function fleet(...args: string[]) {
  return runFleet(
    args,
    {
      ...environmentOf(endpoint),
      // Nothing is on it: no command of these tests may start a program.
      PATH: "/nonexistent",
    },
    { readSettings: () => Promise.resolve({ mistakes: ["none were given"] }) },
  );
}

/** Words as a shell takes them from an example, up to a pipe. */
function words(example: string): string[] {
  const [call = ""] = example.split(" | ");
  return [...call.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

test("every name is there once, and the overview says what each does", async () => {
  const names = commands.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const { code, out } = await fleet("--help");
  expect(code).toBe(0);
  expect(readdirSync(join(root, "cli/commands")).sort()).toEqual(commandNames.map((name) => `${name}.ts`).sort());
  for (const [name, summary] of Object.entries(summaries)) {
    expect(
      out.filter((line) => line.startsWith(`  ${name} `)).map((line) => line.slice(line.length - summary.length)),
    ).toEqual([summary]);
  }
});

describe.each(commands.map((command) => [command.name, command] as const))("fleet %s", (name, command: Command) => {
  it("has a help that names every option, with examples that are calls of it", async () => {
    const { code, out, err } = await fleet(name, "--help");
    expect([code, err]).toEqual([0, []]);
    expect(out[0]).toBe(`usage: fleet ${name} ${command.usage}`.trimEnd());
    for (const option of Object.keys(command.options)) expect(out.join("\n")).toContain(`\n  --${option} `);
    expect(out.every((line) => line.length <= 160)).toBe(true);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      const [called, ...rest] = words(example);
      expect(called).toBe(name);
      expect(parseCall(command, rest)).not.toBeNull();
    }
    expect((await fleet("help", name)).out).toEqual(out);
    expect((await fleet(name, "-h")).out).toEqual(out);
  });

  // What a shell on a VM prints is not the tool's.
  it.skipIf(name === "ssh")("answers in JSON where that is asked for", () => {
    expect(command.options["json"]?.value, "--json takes no value").toBeUndefined();
    expect(command.options).toHaveProperty("json");
  });

  const { least, most, verbs } = command.positionals ?? { least: 0, most: 0 };
  const enough = Array.from({ length: least }, () => verbs?.[0] ?? "x");
  const nonsense: [string, string[]][] = [
    ["an option that there is not", [...enough, "--nonsense"]],
    ["a value of a flag", [...enough, name === "ssh" ? "--direct=yes" : "--json=yes"]],
    ["more words than it takes", Array.from({ length: most + 1 }, () => verbs?.[0] ?? "x")],
    ...(least > 0 ? [["too few words", enough.slice(1)] as [string, string[]]] : []),
    ...Object.entries(command.options)
      .filter(([, { value }]) => value !== undefined)
      .map(([option]): [string, string[]] => [`--${option} without its value`, [...enough, `--${option}`]]),
    ...(command.options["project"]
      ? [["a project that can be none", [...enough, "--project", "My Project"]] as [string, string[]]]
      : []),
  ];
  it.each(nonsense)("refuses %s in one line, and does nothing", async (_, args) => {
    const { code, out, err } = await fleet(name, ...args);
    expect(err).toHaveLength(1);
    expect(err[0]).not.toContain("\n");
    expect(err[0]?.length).toBeLessThan(1_000);
    expect(code).toBe(2);
    expect(out).toEqual([]);
    expect(fake.count("POST")).toBe(0);
  });

  it("is in the handbook", () => {
    const handbook = readFileSync(join(root, "docs/operator.md"), "utf8");
    expect(handbook).toMatch(new RegExp(`fleet ${name}\\b`));
  });
});

/** A call of each command that ends well here, or null where it takes programs or files: those have tests of their own. */
const calls: Record<string, string[] | null> = {
  status: [],
  // It runs until Ctrl-C.
  dashboard: null,
  show: ["dev-alice"],
  diff: [],
  await: ["--wave", "rest"],
  hold: ["--why", "demo"],
  resume: [],
  pin: ["dev-alice", good],
  retry: [good],
  rollback: ["--no-wait"],
  // It asks Pulumi for the settings.
  rollout: null,
  trigger: null,
  logs: ["dev-alice"],
  ssh: null,
  // It asks Pulumi for the settings.
  move: null,
  remove: ["dev-alice"],
  history: [],
  lock: null,
  build: null,
  image: null,
  doctor: null,
  explain: ["NF301"],
  init: null,
  completion: ["bash"],
};

test("every command by which a person changes the fleet takes the name of who does it", () => {
  const named = commands.filter(({ options }) => options["by"] !== undefined);
  expect(named.every(({ options }) => options["by"]?.env === "NIXOS_FLEET_BY")).toBe(true);
  expect(named.map(({ name }) => name).sort()).toEqual([
    "hold",
    "move",
    "pin",
    "remove",
    "resume",
    "retry",
    "rollback",
    "rollout",
    "trigger",
  ]);
});

test("the calls below are of all commands", () => {
  expect(Object.keys(calls).sort()).toEqual(commands.map(({ name }) => name).sort());
});

test.each(Object.entries(calls).flatMap(([name, args]) => (args === null ? [] : [[name, args] as const])))(
  "fleet %s %j prints one JSON document, and nothing else",
  async (name, args) => {
    const { code, out } = await fleet(name, ...args, "--json");
    expect(code).toBe(0);
    expect(typeof JSON.parse(out.join("\n"))).toBe("object");
  },
);
