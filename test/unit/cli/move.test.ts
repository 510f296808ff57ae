/** `fleet move`: which resources go with a VM, what keeps it from going, and what Pulumi is asked to do. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { approvalKey, controlKey } from "../../../rules/contract";
import { noControl } from "../../../rules/rollout/control-item";
import { moveObstacles, resourcesOf } from "../../../cli/stack-move";
import { approval, good, hold, old } from "./fleet-samples";
import { environmentOf, FakeCompute } from "./google/fake-compute";
import { runFleet } from "./run-fleet";
import { threeVms } from "./fake-fleets";

const stackUrn = "urn:pulumi:dev::acme::";
const parent = `${stackUrn}nixos-fleet:infra:Fleet$nixos-fleet:infra:DevVm::devs-dev-alice`;
const resource = (type: string, name: string, of = "", inputs = {}) => ({
  urn: `${stackUrn}nixos-fleet:infra:Fleet$${type}::${name}`,
  type,
  ...(of === "" ? {} : { parent: of }),
  ...inputs,
});
const instance = "gcp:compute/instance:Instance";
const belongings: [string, string][] = [
  ["gcp:compute/instanceIAMPolicy:InstanceIAMPolicy", "login"],
  ["gcp:iap/tunnelInstanceIAMBinding:TunnelInstanceIAMBinding", "tunnel"],
  ["gcp:compute/disk:Disk", "home"],
  ["gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment", "home-snapshots"],
  ["gcp:compute/resourcePolicyAttachment:ResourcePolicyAttachment", "schedule"],
];
/** The state of a fleet with dev-alice and, to be mistaken for one of its parts, a VM called dev-alice-home. */
const state = [
  { urn: parent, type: "nixos-fleet:infra:DevVm" },
  resource(instance, "devs-dev-alice-vm", parent, { inputs: { name: "dev-alice" } }),
  ...belongings.map(([type, end]) => resource(type, `devs-dev-alice-${end}`)),
  { urn: `${parent}-home`, type: "nixos-fleet:infra:DevVm" },
  resource(instance, "devs-dev-alice-home-vm", `${parent}-home`, { inputs: { name: "dev-alice-home" } }),
  resource("gcp:compute/instanceIAMPolicy:InstanceIAMPolicy", "devs-dev-alice-home-login"),
  resource("command:remote:Command", "devs-dev-alice-trigger"),
];
const urns = [
  parent,
  ...belongings.map(([type, end]) => `${stackUrn}nixos-fleet:infra:Fleet$${type}::devs-dev-alice-${end}`),
];

describe("a VM's resources", () => {
  const known = state.map(({ inputs, ...one }: (typeof state)[number] & { inputs?: { name: string } }) => ({
    ...one,
    ...inputs,
  }));
  it("are its component and what belongs to it, and of no other VM", () => {
    expect(resourcesOf("dev-alice", known)).toEqual(urns);
    expect(resourcesOf("dev-alice-home", known)).toEqual([
      `${parent}-home`,
      `${stackUrn}nixos-fleet:infra:Fleet$gcp:compute/instanceIAMPolicy:InstanceIAMPolicy::devs-dev-alice-home-login`,
    ]);
    expect(resourcesOf("dev-bob", known)).toEqual([]);
  });
});

describe("what keeps VMs in their stack", () => {
  const decisions = (revision: string | undefined, control = {}, more: object = {}) => ({
    approvals: revision === undefined ? {} : { canary: approval(revision), rest: approval(revision), ...more },
    control: { ...noControl, ...control },
    problems: [],
  });
  const vms = [{ name: "dev-alice", wave: "rest" }];
  const obstacles = (from: ReturnType<typeof decisions>, to = decisions(undefined)) =>
    moveObstacles(vms, { stack: "dev", decisions: from }, { stack: "prod", decisions: to });

  it("is nothing where both are approved for the same, or the other one for nothing yet", () => {
    expect(obstacles(decisions(good))).toEqual([]);
    expect(obstacles(decisions(good), decisions(good))).toEqual([]);
    // What concerns others does not matter, nor a gate's hold against a revision that is approved no longer.
    const others = [hold("vm:dev-bob"), hold("wave:canary"), { ...hold("fleet"), revision: old }];
    expect(obstacles(decisions(good, { holds: others, pins: { "dev-bob": old } }))).toEqual([]);
  });

  it.each<[string, ReturnType<typeof decisions>, ReturnType<typeof decisions>, RegExp]>([
    [
      "an open rollout",
      decisions(good, {}, { rest: approval(old) }),
      decisions(undefined),
      /stack dev: a rollout is open/,
    ],
    [
      "one in the other stack",
      decisions(good),
      decisions(good, {}, { rest: approval(old) }),
      /stack prod: a rollout is open/,
    ],
    ["a hold of the VM", decisions(good, { holds: [hold("vm:dev-alice")] }), decisions(undefined), /stack dev: .*held/],
    ["a hold of its wave", decisions(good, { holds: [hold("wave:rest")] }), decisions(undefined), /stack dev: .*held/],
    [
      "a gate's hold",
      decisions(good, { holds: [{ ...hold("fleet"), revision: good }] }),
      decisions(undefined),
      /stack dev: .*held/,
    ],
    ["a hold there", decisions(good), decisions(good, { holds: [hold("fleet")] }), /stack prod: .*held/],
    ["a pin", decisions(good, { pins: { "dev-alice": old } }), decisions(undefined), /^dev-alice is pinned/],
    [
      "a rollback",
      decisions(good, { instead: { rest: { [good]: "previous" } } }),
      decisions(undefined),
      /was rolled back in wave rest/,
    ],
    ["another revision there", decisions(good), decisions(old), /stack prod is approved for .* and stack dev for/],
    [
      "an item that is not readable",
      { ...decisions(good), problems: ["x"] as never[] },
      decisions(undefined),
      /stack dev: x/,
    ],
  ])("is %s", (_, from, to, line) => {
    const found = obstacles(from, to);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(line);
  });
});

describe("fleet move", () => {
  let fake: FakeCompute;
  let env: NodeJS.ProcessEnv;
  let bin: string;
  beforeEach(async () => {
    fake = new FakeCompute();
    const endpoint = await fake.start();
    threeVms(fake);
    bin = mkdtempSync(join(tmpdir(), "move-"));
    // Pulumi, as far as the tool calls it: what it is asked to move is kept.
    writeFileSync(
      join(bin, "pulumi"),
      `#!/bin/sh
case "$*" in
  *bare*) echo '{}' ;;
  config*) echo '{"nixos-fleet:vms":{"value":"[]"}}' ;;
  "stack export"*) echo '${JSON.stringify({ deployment: { resources: state } })}' ;;
  "state move"*) echo "$*" >${bin}/moved ;;
  *) exit 3 ;;
esac
`,
    );
    chmodSync(join(bin, "pulumi"), 0o755);
    env = { ...environmentOf(endpoint), PATH: `${bin}:/usr/bin:/bin` };
  });
  afterEach(async () => {
    await fake.stop();
    rmSync(bin, { recursive: true });
  });

  const fleet = (args: string[], names = ["dev-alice"]) =>
    runFleet(["move", ...args], env, {
      readSettings: (_, stack) =>
        Promise.resolve(
          stack === "prod"
            ? { settings: { vms: names.map((name) => ({ name })) } as never, mistakes: [] }
            : { mistakes: ["fleet: no"] },
        ),
    });
  const moved = () => (existsSync(join(bin, "moved")) ? readFileSync(join(bin, "moved"), "utf8").trim() : undefined);

  it("moves what the other stack's settings have, and says what comes next", async () => {
    const { code, out, err } = await fleet(["--to", "prod", "--yes"]);
    expect([code, err]).toEqual([0, []]);
    expect(out).toEqual([
      "from stack dev to prod: dev-alice (6 resources and their children)",
      "moved; now: pulumi up --stack prod, then pulumi up --stack dev",
    ]);
    expect(moved()).toBe(`state move --source dev --dest prod --yes --non-interactive ${urns.join(" ")}`);
    expect(fake.logged.map(({ jsonPayload }) => jsonPayload)).toMatchObject([
      { event: "move", scope: "vm:dev-alice", why: "to stack prod" },
    ]);
  });

  it("shows without moving", async () => {
    expect((await fleet(["dev-alice", "--to", "prod", "--dry-run"])).out.at(-1)).toBe(
      "nothing was changed (--dry-run)",
    );
    const { out } = await fleet(["--to", "prod", "--dry-run", "--json"]);
    expect(JSON.parse(out.join("\n"))).toEqual({ from: "dev", to: "prod", dryRun: true, vms: { "dev-alice": urns } });
    expect(moved()).toBeUndefined();
  });

  it.each<[string, string[], string[], RegExp]>([
    ["no other stack", [], [], /--to is missing/],
    ["the same stack", ["--to", "dev"], [], /--stack and --to are both dev/],
    ["settings with mistakes", ["--to", "eu"], [], /the settings of stack eu: fleet: no/],
    ["a stack whose settings are arguments", ["--to", "bare"], [], /has no nixos-fleet: key, and only its program/],
    ["a VM that they do not have", ["dev-bob", "--to", "prod"], ["dev-alice"], /do not have dev-bob; give/],
    ["a VM that the state has no longer", ["--to", "prod"], ["dev-bob"], /has dev-bob no longer in its state/],
  ])("refuses %s", async (_, args, names, line) => {
    const { code, err } = await fleet(args, names);
    expect(code).not.toBe(0);
    expect(err.join("\n")).toMatch(line);
    expect(moved()).toBeUndefined();
  });

  it("has nothing to do where no VM belongs there", async () =>
    expect((await fleet(["--to", "prod"], [])).out).toEqual(["no VM of stack dev belongs to stack prod"]));

  it("moves nothing while a rollout is open", async () => {
    fake.metadata[approvalKey("devs", "dev", "canary")] = JSON.stringify(approval(old));
    fake.metadata[controlKey("devs", "prod")] = "{";
    const { code, err } = await fleet(["--to", "prod", "--yes"]);
    expect(code).toBe(1);
    expect(err.join("\n")).toMatch(
      /nothing was moved: stack prod: the control item is not readable.*stack dev: a rollout is open/,
    );
    expect(moved()).toBeUndefined();
  });
});
