/** A fleet of one stack becomes a fleet of two: VMs change stacks with all that is theirs, and nothing that a person would notice happens. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Program } from "./setup/program";

let first: Program;
let second: Program;
beforeAll(async () => {
  first = await Program.start("first");
  second = await first.beside("second");
});
afterAll(() => first.stop());

const vm = (name: string, team: string, ring = "rest") => ({ name, labels: { team, ring } });
const shared = {
  "nixos-fleet:vms": [
    vm("dev-canary", "a", "canary"),
    vm("dev-bob", "b", "canary"),
    vm("dev-alice", "a"),
    vm("dev-carol", "b"),
  ],
  "nixos-fleet:waves": [
    { name: "canary", labels: { ring: "canary" } },
    { name: "rest", rest: true },
  ],
  "nixos-fleet:teams": { infra: ["group:infra@example.com"], developers: ["group:devs@example.com"] },
  "nixos-fleet:defaults": { homeDisk: {} },
  "nixos-fleet:snapshots": {},
  "nixos-fleet:schedules": [{ name: "nights", stop: "0 20 * * *", timeZone: "UTC", rest: true }],
};
const stacks = {
  "nixos-fleet:stacks": [
    { name: "second", labels: { team: "b" } },
    { name: "first", rest: true },
  ],
};

/** What a VM is known by and who may use it, however its labels and metadata change. */
function identity(name: string) {
  const { id, creationTimestamp, status, disks, networkInterfaces, serviceAccounts } =
    first.cloud.store.instance(name) ?? {};
  return { id, creationTimestamp, status, disks, networkInterfaces, serviceAccounts };
}

const policies = () => Object.entries(first.cloud.store.state.iam?.policies ?? {});

const stackOf = (name: string) => first.cloud.store.instance(name)?.labels?.["nixos-fleet-stack"];

async function refusal(stack: Program): Promise<string> {
  const { exitCode, text } = await stack.run("preview");
  expect(exitCode, text).not.toBe(0);
  return text;
}

it("moves VMs to another stack in place, and each order but the right one is refused", async () => {
  first.configure(shared);
  const begun = await first.run("up");
  expect(begun.exitCode, begun.text).toBe(0);
  const moved = ["dev-bob", "dev-carol"];
  const before = moved.map(identity);
  const good = await first.head();

  // The first stack would delete what it no longer declares, and the second would make a network of its own.
  first.configure({ ...shared, ...stacks });
  expect(await refusal(first)).toContain(
    "nixos-fleet:stacks: dev-bob, dev-carol belong to stack second: run ./scripts/fleet move --to second and pulumi up --stack second first",
  );
  second.configure({ ...shared, ...stacks });
  const refused = await refusal(second);
  const [, network = "", subnetwork = ""] =
    /\{ network: (\S+), subnetwork: (\S+) \}/.exec(refused) ?? expect.fail(refused);
  const [, serviceAccount = ""] = /set nixos-fleet:serviceAccount to (\S+)/.exec(refused) ?? expect.fail(refused);
  const same = {
    "nixos-fleet:existingNetwork": { network, subnetwork },
    "nixos-fleet:serviceAccount": serviceAccount,
  };
  second.configure({ ...shared, ...stacks, ...same });
  expect(await refusal(second)).toMatch(/dev-(bob|carol) is in the state of stack first: run .\/scripts\/fleet move/);

  const move = ["move", "--fleet", "devs", "--stack", "first", "--to", "second", "--config-file", second.settingsFile];
  const done = await first.fleet(...move, "--yes");
  expect(done.exitCode, done.text).toBe(0);
  expect(done.text).toContain("from stack first to second: dev-bob, dev-carol");

  const changes = await second.changes();
  expect(moved.map((name) => changes[`devs-${name}-vm`])).toEqual(["update", "update"]);
  const replaced = Object.entries(changes).filter(([, operation]) => /replace|delete/.test(operation));
  // A policy is the stack's own: a VM leaves the one of its former stack, and follows the same one of its new stack.
  expect(replaced.map(([name]) => name).filter((name) => !/-(home-snapshots|schedule)$/.test(name))).toEqual([]);
  // Who may log in to the VMs, and by which tunnel: it is never less than before.
  const access = () =>
    moved.map((name) => {
      const own = policies().filter(([path]) => path.endsWith(`/instances/${name}`));
      return own.map(([, bindings]) => bindings.length).sort();
    });
  const full = access();
  const seen: ReturnType<typeof access>[] = [];
  const ignore = first.cloud.store.onChange(() => void seen.push(access()));
  // Cut short: one VM gets its new labels, the other one does not.
  const allow = second.refuse(/dev-carol\/setLabels/);
  const cut = await second.run("up");
  allow();
  expect([cut.exitCode, stackOf("dev-bob"), stackOf("dev-carol")]).toEqual([1, "second", "first"]);
  const taken = await second.run("up");
  ignore();
  expect(taken.exitCode, taken.text).toBe(0);
  expect(full).toEqual([
    [1, 2],
    [1, 2],
  ]);
  expect(seen.filter((one) => JSON.stringify(one) !== JSON.stringify(full))).toEqual([]);
  // Each stack's people may act as the account that both use.
  const [, users = []] = policies().find(([path]) => path.includes("/serviceAccounts/")) ?? [];
  expect(users).toHaveLength(2);
  expect(moved.map(identity)).toEqual(before);
  expect(moved.map((name) => second.vms.tried.get(name))).toEqual([[good], [good]]);
  expect(second.approved("rest")).toBe(good);

  const left = await first.run("up");
  expect(left.exitCode, left.text).toBe(0);
  expect(moved.map(identity)).toEqual(before);
  expect(await first.changes()).toEqual({});
  expect(await second.changes()).toEqual({});

  // Each stack rolls out by itself from now on.
  const newer = await first.commit();
  for (const stack of [second, first]) {
    const { exitCode, text } = await stack.run("up");
    expect(exitCode, text).toBe(0);
  }
  expect(["dev-canary", "dev-alice", ...moved].map((name) => first.vms.runs(name))).toEqual(Array(4).fill(newer));
});
