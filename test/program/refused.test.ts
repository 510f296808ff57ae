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

/** Everyone who has a role anywhere. */
const members = () => JSON.stringify(program.cloud.store.state.iam?.policies);

it("makes a change of access that was refused, so that a person who left cannot log in", async () => {
  configure("alice");
  await up();
  expect(members()).toContain("user:alice@");
  configure("carol");
  const allow = program.refuse(/setIamPolicy/, Infinity, 403, FORBIDDEN);
  await up("badly");
  allow();
  expect(members()).toContain("user:alice@");
  await up();
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
