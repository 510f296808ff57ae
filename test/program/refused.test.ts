/** Updates that Google refuses, and VMs that were deleted by hand: what the next run does about them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { succeeds, upEnds } from "./setup/outcome";
import { Program } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("refused");
});
afterAll(() => program.stop());

const FORBIDDEN = JSON.stringify({
  error: { code: 403, message: "Required permission is missing", errors: [{ domain: "global", reason: "forbidden" }] },
});

const bob = { name: "dev-bob", owner: "bob@example.com" };

function configure(owner: string, more: object = {}, vms: object[] = [bob], alice: object = {}): void {
  program.configure({
    "nixos-fleet:deletionProtection": "false",
    "nixos-fleet:access": "owners",
    "nixos-fleet:teams": { infra: ["group:infra@example.com"] },
    "nixos-fleet:vms": [{ name: "dev-alice", owner: `${owner}@example.com`, ...alice }, ...vms],
    ...more,
  });
}

const up = (ends?: "well" | "badly") => upEnds(program, ends);

/** Everyone who has a role anywhere, in one order. */
function members(): string {
  const policies = Object.entries(program.cloud.store.state.iam?.policies ?? {});
  return JSON.stringify(
    policies.map(([of, bindings]) => [of, ...bindings.map((one) => JSON.stringify(one)).sort()]).sort(),
  );
}

/** Google does not know these members from now on. */
function unknownTo(google: string[]): void {
  const { state } = program.cloud.store;
  state.iam = { accounts: {}, policies: {}, ...state.iam, unknownMembers: google };
}

const TEAMS = (infra: string[]) => ({ "nixos-fleet:teams": { infra } });
const REFRESH = "or, if they are right, run pulumi up --refresh";

it("gives access that Google refused at first, once the setting is correct", async () => {
  unknownTo(["user:eve@example.com"]);
  configure("alice", TEAMS(["group:infra@example.com", "user:eve@example.com"]));
  expect(await up("badly")).toContain("User eve@example.com does not exist");
  expect(members()).not.toContain("osAdminLogin");
  configure("alice");
  await up();
  expect(members().match(/roles\/compute.osAdminLogin/g)).toHaveLength(2);
  expect(await program.changes()).toEqual({});
});

it("takes no one's access when Google refuses a member again and again", async () => {
  configure("alice");
  await up();
  unknownTo(["user:eve@example.com"]);
  configure("alice", TEAMS(["group:infra@example.com", "user:eve@example.com"]));
  const granted = members();
  await up("badly");
  expect(members()).toBe(granted);
  const again = await up("badly");
  expect(members()).toBe(granted);
  expect(
    again.match(/^ +warning: Google refused to change who may log in, in an earlier run.*--refresh/gm),
  ).toHaveLength(1);
  expect((await program.run("preview")).text).toContain(REFRESH);
  expect((await program.run("up", "--refresh")).text).toContain("User eve@example.com does not exist");
  expect(members()).toBe(granted);
  configure("alice");
  await up();
  expect(members()).toBe(granted);
  expect(await program.changes()).toEqual({});
});

it("replaces a team, and takes the access of someone who leaves it, in place", async () => {
  configure("alice");
  await up();
  const granted = members();
  configure("alice", TEAMS(["group:operators@example.com", "user:frank@example.com"]));
  expect(await up()).not.toMatch(/IAM.* replac/);
  expect(members()).toContain("user:frank@");
  configure("alice", TEAMS(["group:operators@example.com"]));
  expect(await up()).not.toMatch(/IAM.* replac/);
  expect(members()).toBe(granted.replaceAll("group:infra@", "group:operators@"));
  expect(await program.changes()).toEqual({});
});

it("makes a change of access that was refused, so that a person who left cannot log in", async () => {
  configure("alice");
  await up();
  expect(members()).toContain("user:alice@");
  configure("carol");
  const allow = program.refuse(/setIamPolicy/, Infinity, 403, FORBIDDEN);
  await up("badly");
  allow();
  expect(members()).toContain("user:alice@");
  expect(await up("badly")).toContain(REFRESH);
  await succeeds(program, "up", "--refresh");
  expect(members()).toContain("user:carol@");
  expect(members()).not.toContain("user:alice@");
  expect(members().match(/roles\/compute.osAdminLogin/g)).toHaveLength(2);
  expect(await program.changes()).toEqual({});
});

it("says of a VM that could not be started again that it ran", async () => {
  const alice = () => program.cloud.store.instance("dev-alice");
  configure("carol", { "nixos-fleet:allowStopping": "true" }, [bob], { machineType: "e2-standard-8" });
  const allow = program.refuse(/dev-alice\/start/, Infinity, 403);
  const text = await up("badly");
  allow();
  expect(text).toContain("allowStopping: this update stops and starts dev-alice");
  expect(text).toContain("see that it runs: gcloud compute instances start dev-alice --zone=europe-west1-b");
  expect(alice()?.status).toBe("TERMINATED");
  await program.instance("dev-alice", "start");
  await up();
  expect(alice()).toMatchObject({ status: "RUNNING", machineType: expect.stringMatching(/e2-standard-8$/) as string });
  // The next test has the former machine type again.
  await program.instance("dev-alice", "stop");
});

it("says of another change that was refused how it is made", async () => {
  const stoppedAt = (hour: number) => ({
    "nixos-fleet:schedules": [{ name: "nights", stop: `0 ${hour} * * *`, timeZone: "UTC", rest: true }],
  });
  const stops = () => JSON.stringify(program.cloud.store.state.resources).match(/0 2\d \* \* \*/g);
  configure("carol", stoppedAt(22));
  await up();
  configure("carol", stoppedAt(23));
  const allow = program.refuse(/PATCH .*resourcePolicies/, Infinity, 403);
  expect(await up("badly")).toContain("run pulumi up --refresh: Pulumi's state may have this change already");
  allow();
  expect(stops()).toEqual(["0 22 * * *"]);
  await succeeds(program, "up", "--refresh");
  expect(stops()).toEqual(["0 23 * * *"]);
});

it("says of a VM whose labels another tool has changed how its own are changed", async () => {
  const path = `${program.endpoint}/compute/v1/projects/local-project/zones/europe-west1-b/instances/dev-alice`;
  const headers = { authorization: "Bearer local", "content-type": "application/json" };
  const labels = () => program.cloud.store.instance("dev-alice")?.labels;
  configure("carol");
  await up();
  const { labelFingerprint } = program.cloud.store.instance("dev-alice") ?? {};
  const body = JSON.stringify({ labels: { ...labels(), "added-by": "billing" }, labelFingerprint });
  expect((await fetch(`${path}/setLabels`, { method: "POST", headers, body })).ok).toBe(true);
  await program.cloud.operations.settled();
  configure("alice");
  const advice = /dev-alice.*run pulumi up --refresh/;
  expect(await up("badly")).toMatch(advice);
  expect(await up("badly")).toMatch(advice);
  await succeeds(program, "up", "--refresh");
  expect(labels()).toMatchObject({ "added-by": "billing", "nixos-fleet-owner": "alice_example_com" });
  expect(await program.changes()).toEqual({});
});

it("takes a VM from the stack that was deleted by hand before", async () => {
  configure("carol");
  await up();
  await program.instance("dev-bob", "delete");
  configure("carol", {}, []);
  expect(await up("badly")).toContain("Someone has deleted it already: run pulumi up --refresh");
  await succeeds(program, "up", "--refresh");
  expect(await program.changes()).toEqual({});
  await program.instance("dev-alice", "delete");
  expect((await program.run("destroy")).text).toContain("Error deleting instance: googleapi: Error 404");
  await succeeds(program, "destroy", "--refresh");
});
