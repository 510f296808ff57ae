/** A fleet of one stack becomes a fleet of two: VMs change stacks with all that is theirs, and nothing that a person would notice happens. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { upEnds } from "./setup/outcome";
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

/** The first stack's network and account, in the form of the second one's settings. */
let same: object;

/** What other stacks may use of the first one's, as Google has it. */
function shareable() {
  const { resources, iam, buckets, secrets } = first.cloud.store.state;
  const members = policies().flatMap(([path, bindings]) => (path === "projects/local-project" ? bindings : []));
  return {
    nats: Object.values(resources).flatMap(({ resource }) => resource["nats"] ?? []).length,
    accounts: Object.keys(iam?.accounts ?? {}).length,
    roles: members.filter(({ role }) => /Writer$/.test(String(role))).length,
    buckets: Object.keys(buckets ?? {}),
    keys: Object.values(secrets ?? {}).flatMap(({ versions }) => versions.map(({ data }) => atob(data))),
    readers: Object.keys(iam?.policies ?? {}).filter((path) => path.includes("/secrets/")).length,
  };
}

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
    "nixos-fleet:stacks: dev-bob, dev-carol belong to stack second: run fleet move --to second and pulumi up --stack second first",
  );
  second.configure({ ...shared, ...stacks });
  const refused = await refusal(second);
  const [, network = "", subnetwork = ""] =
    /\{ network: (\S+), subnetwork: (\S+) \}/.exec(refused) ?? expect.fail(refused);
  const [, serviceAccount = ""] = /set nixos-fleet:serviceAccount to (\S+)/.exec(refused) ?? expect.fail(refused);
  same = {
    "nixos-fleet:existingNetwork": { network, subnetwork },
    "nixos-fleet:serviceAccount": serviceAccount,
  };
  second.configure({ ...shared, ...stacks, ...same });
  expect(await refusal(second)).toMatch(/dev-(bob|carol) is in the state of stack first: run fleet move/);

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

it("keeps what the others use once all VMs have left: a destroy without preparation stops", async () => {
  const gone = {
    "nixos-fleet:stacks": [
      { name: "first", labels: { team: "none" } },
      { name: "second", rest: true },
    ],
  };
  const own = { "nixos-fleet:cache": { bucket: "acme-first", publicKey: `cache-1:${"A".repeat(43)}=` } };
  first.configure({ ...shared, ...gone, ...own });
  await first.keep("nixos-fleet:deployKey", "planted");
  second.configure({ ...shared, ...gone, ...same });
  const moved = await first.fleet(
    ...["move", "--fleet", "devs", "--stack", "first", "--to", "second", "--config-file", second.settingsFile, "--yes"],
  );
  expect(moved.exitCode, moved.text).toBe(0);
  await upEnds(second);
  expect(await upEnds(first)).toContain(
    "nixos-fleet:stacks: first has no VM; keep it as long as other stacks use its network",
  );
  const all = ["dev-canary", "dev-bob", "dev-alice", "dev-carol"];
  expect(all.map(stackOf)).toEqual(Array(4).fill("second"));
  expect([first.approved("canary"), second.approved("canary")]).toEqual([undefined, await first.head()]);

  const before = shareable();
  expect(before).toEqual({ nats: 1, accounts: 1, roles: 2, buckets: ["acme-first"], keys: ["planted"], readers: 1 });
  const refused = await first.run("destroy");
  expect(refused.exitCode, refused.text).not.toBe(0);
  expect(refused.text).toContain("protected");
  expect(shareable()).toEqual(before);

  // An operator who means it says so first.
  first.configure({ ...shared, ...gone, ...own, "nixos-fleet:protect": "false" });
  await first.keep("nixos-fleet:deployKey", "planted");
  await upEnds(first);
  // Google refuses to delete what the second stack's VMs use; which other deletions Pulumi has begun by then is chance.
  const { text } = await first.run("destroy", "--continue-on-error");
  expect(text).not.toContain("protected");
  expect(shareable(), text).toMatchObject({ nats: 0, roles: 0 });
});
