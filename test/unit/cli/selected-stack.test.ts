/** Which project and stack a command is about if no option or variable names them. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { type FleetRun, runFleet } from "./run-fleet";
import { writeStackFile } from "./stack-file";
import { threeVms } from "./fake-fleets";

let fake: FakeCompute;
let endpoint: string;
let directory: string;

beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  threeVms(fake);
  directory = mkdtempSync(join(tmpdir(), "selected-stack-"));
  writeFileSync(join(directory, "Pulumi.yaml"), "name: devs\nruntime: nodejs\n");
  vi.spyOn(process, "cwd").mockReturnValue(directory);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fake.stop();
  rmSync(directory, { recursive: true });
});

/** `fleet status`, with the folder's `pulumi` on PATH. */
const status = (env: NodeJS.ProcessEnv = {}, ...more: string[]): Promise<FleetRun> => fleet(["status", ...more], env);
/** Any command there. */
const fleet = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<FleetRun> => {
  const path = `${directory}:/usr/bin:/bin`;
  return runFleet(args, { ...environmentOf(endpoint), GOOGLE_CLOUD_PROJECT: "", PATH: path, ...env });
};
const asked = () => readFileSync(join(directory, "asked"), "utf8").trim().split("\n");
const missing = "no project: give --project, or set NIXOS_FLEET_PROJECT or GOOGLE_CLOUD_PROJECT";

it("the project is gcp:project of the stack that Pulumi has selected", async () => {
  writeStackFile(directory, { "gcp:project": "p", "nixos-fleet:deployKey": "k" }, ["nixos-fleet:deployKey"]);
  const { code, err, out } = await status();
  expect([code, err]).toEqual([0, []]);
  expect(out.join("\n")).toContain("devs/dev");
  expect(asked()).toEqual(["stack --show-name --non-interactive", "config --json --stack dev --non-interactive"]);
});

it("its fleet is the stack's, if the project has several", async () => {
  writeStackFile(directory, { "gcp:project": "p" });
  const [vm] = fake.instances;
  fake.instances.push({ ...vm, name: "ops-1", labels: { "nixos-fleet": "ops", "nixos-fleet-stack": "ops" } });
  expect((await status()).code).toBe(0);
  expect((await status({}, "--project", "p")).err[0]).toMatch(/has several fleets; say which/);
});

describe("another fleet's stack of the same name", () => {
  beforeEach(() => {
    const [vm] = fake.instances;
    const labels = { "nixos-fleet": "research", "nixos-fleet-stack": "dev" };
    fake.instances.push({ ...vm, name: "research-1", labels });
    writeStackFile(directory, { "gcp:project": "p", "nixos-fleet:fleet": "research" });
  });

  it("differs from the stack's by the settings' fleet", async () => {
    const { code, out } = await fleet(["hold", "--why", "x"]);
    expect([code, out]).toEqual([0, ["the fleet research/dev is held: x"]]);
    expect(fake.metadata).toHaveProperty("nixos-fleet--research--dev----control");
    expect(fake.metadata).not.toHaveProperty("nixos-fleet--devs--dev----control");
    expect((await status({}, "--all-stacks", "--json")).out.join("\n")).not.toContain("dev-alice");
  });

  it("never stands for a stack without VMs", async () => {
    fake.instances.pop();
    const { code, err } = await fleet(["hold", "--why", "x"]);
    expect([code, err.join("\n")]).toEqual([
      2,
      expect.stringContaining("fleet research/dev has neither VMs nor approvals"),
    ]);
    expect(fake.metadata).not.toHaveProperty("nixos-fleet--devs--dev----control");
  });

  it("is taken if --fleet names it", async () => {
    expect((await fleet(["hold", "--why", "x", "--fleet", "devs"])).out).toEqual(["the fleet devs/dev is held: x"]);
  });
});

it("an option or a variable goes first, and Pulumi is not asked", async () => {
  writeStackFile(directory, { "gcp:project": "of-the-stack" });
  expect((await status({ GOOGLE_CLOUD_PROJECT: "p" })).code).toBe(0);
  expect((await status({}, "--project", "p")).code).toBe(0);
  expect(existsSync(join(directory, "asked"))).toBe(false);
});

it.each<[string, () => void, string]>([
  [
    "no settings file names one",
    () => undefined,
    `${missing}; without them it is the gcp:project of the stack that Pulumi has selected here`,
  ],
  [
    "only another stack's file names one",
    () => {
      writeStackFile(directory, {});
      writeFileSync(join(directory, "Pulumi.prod.yaml"), "config:\n  gcp:project: p\n");
    },
    `${missing}; without them it is the gcp:project of the stack that Pulumi has selected here`,
  ],
  [
    "Pulumi cannot read it",
    () => {
      writeStackFile(directory, { "gcp:project": "of-the-stack" });
      rmSync(join(directory, "pulumi"));
    },
    `${missing}; one is in Pulumi.dev.yaml in DIRECTORY, and Pulumi cannot read it: pulumi is not on PATH`,
  ],
])("if %s, one line says what to do", async (_, arrange, line) => {
  arrange();
  const { code, err, out } = await status();
  expect([code, out, err.length]).toEqual([2, [], 1]);
  expect(err[0]).toContain(line.replace("DIRECTORY", directory));
  expect(fake.requests).toEqual([]);
});
