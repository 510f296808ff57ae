/** Schedules: every input, each switched on, changed and off with no VM replaced, and VMs that one has stopped. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SPREADING } from "./setup/api-faults";
import { upInPlace } from "./setup/in-place";
import { Program, type Recorded } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("schedules");
});
afterAll(() => program.stop());

const zone = "europe-west1-b";
const vms = [{ name: "dev-alice", labels: { team: "office" } }, { name: "dev-bob" }];
const office = { name: "office", start: "0 7 * * 1-5", stop: "0 20 * * 1-5", timeZone: "Europe/Brussels" };

const up = (schedules: object[]) => upInPlace(program, { "nixos-fleet:schedules": schedules }, vms);

function scheduled(): Record<string, Recorded> {
  return Object.fromEntries(Object.entries(program.resources()).filter(([name]) => name.includes("schedule")));
}

/** The policies on a VM as Compute shows them. */
function followed(vm: string): string[] {
  const policies = program.cloud.store.instance(vm)?.["resourcePolicies"];
  return Array.isArray(policies) ? policies.map((link) => String(link).replace(/^.*\/(.*)-[0-9a-f]{7}$/, "$1")) : [];
}

const agent: Record<string, Recorded> = {
  "devs-schedule-role": [
    "gcp:projects/iAMCustomRole:IAMCustomRole",
    {
      roleId: expect.stringMatching(/^nixosFleet\.schedules\.[0-9a-f]{8}$/) as string,
      title: "Schedules of fleet devs, stack schedules",
      permissions: ["compute.instances.start", "compute.instances.stop"],
    },
  ],
  "devs-schedule-agent": [
    "gcp:projects/iAMMember:IAMMember",
    {
      project: "local-project",
      role: expect.stringMatching(/^projects\/local-project\/roles\/nixosFleet\.schedules\.[0-9a-f]{8}$/) as string,
      member: expect.stringMatching(/^serviceAccount:service-\d+@compute-system.iam.gserviceaccount.com$/) as string,
    },
  ],
};

const policy = (name: string, schedule: object): Record<string, Recorded> => ({
  [`devs-schedule-${name}`]: [
    "gcp:compute/resourcePolicy:ResourcePolicy",
    { region: "europe-west1", instanceSchedulePolicy: schedule },
  ],
});

const attached = (vm: string, name: string): Record<string, Recorded> => ({
  [`devs-${vm}-schedule`]: [
    "gcp:compute/resourcePolicyAttachment:ResourcePolicyAttachment",
    { name: `devs-schedule-${name}-*`, instance: vm, zone },
  ],
});

describe("schedules", () => {
  it("come to running VMs, change and go", async () => {
    await up([]);
    expect(scheduled()).toEqual({});

    // Compute refuses a schedule until IAM has spread the rights of Compute's own agent.
    const allow = program.refuse(/addResourcePolicies/, 2, 412, SPREADING);
    await up([{ ...office, labels: { team: "office" } }]);
    allow();
    const hours = {
      timeZone: "Europe/Brussels",
      vmStartSchedule: { schedule: "0 7 * * 1-5" },
      vmStopSchedule: { schedule: "0 20 * * 1-5" },
    };
    expect(scheduled()).toEqual({ ...agent, ...policy("office", hours), ...attached("dev-alice", "office") });
    expect([followed("dev-alice"), followed("dev-bob")]).toEqual([["devs-schedule-office"], []]);

    await up([
      { name: "nights", stop: "0 22 * * *", timeZone: "UTC", vms: ["dev-alice"] },
      { ...office, stop: "0 21 * * 1-5", rest: true },
    ]);
    expect(scheduled()).toEqual({
      ...agent,
      ...policy("nights", { timeZone: "UTC", vmStopSchedule: { schedule: "0 22 * * *" } }),
      ...policy("office", { ...hours, vmStopSchedule: { schedule: "0 21 * * 1-5" } }),
      ...attached("dev-alice", "nights"),
      ...attached("dev-bob", "office"),
    });
    expect([followed("dev-alice"), followed("dev-bob")]).toEqual([["devs-schedule-nights"], ["devs-schedule-office"]]);
  });

  it("stay on their VMs over a refresh and over changes of the VMs", async () => {
    const schedules = [{ ...office, rest: true }];
    await up(schedules);
    const both = [["devs-schedule-office"], ["devs-schedule-office"]];
    const refreshed = await program.run("refresh");
    expect(refreshed.exitCode, refreshed.text).toBe(0);
    expect(await program.changes()).toEqual({});
    // Another API is to be enabled: the project's number stays known.
    const monitored = { "nixos-fleet:schedules": schedules, "nixos-fleet:monitoring": {} };
    program.configure({ "nixos-fleet:deletionProtection": "false", "nixos-fleet:vms": vms, ...monitored });
    const changes = await program.changes();
    expect(changes).toHaveProperty("devs-api-monitoring", "create");
    expect(changes).not.toHaveProperty("devs-schedule-agent");
    const labels = { "nixos-fleet:defaults": { labels: { desk: "4" } } };
    await upInPlace(program, { "nixos-fleet:schedules": schedules, ...labels }, vms);
    expect([followed("dev-alice"), followed("dev-bob")]).toEqual(both);
  });

  it("leave VMs stopped when a rollout comes by, and the rollout passes them", async () => {
    program.cloud.power.stop(`zones/${zone}/instances/dev-alice`);
    await program.cloud.operations.settled();
    const before = program.approved("all");
    await program.commit('{"nodes":{}}');
    const schedules = [{ ...office, rest: true }];
    await up(schedules);
    expect(program.approved("all")).not.toBe(before);
    expect(program.cloud.store.instance("dev-alice")?.status).toBe("TERMINATED");
    expect(program.cloud.store.instance("dev-bob")?.status).toBe("RUNNING");

    await up([]);
    expect(scheduled()).toEqual({});
    expect([followed("dev-alice"), followed("dev-bob")]).toEqual([[], []]);
    expect(program.cloud.store.instance("dev-alice")?.status).toBe("TERMINATED");
  });

  it("come back while IAM still refuses the id of the role that they had", async () => {
    for (const role of Object.values(program.cloud.store.state.iam?.roles ?? {}))
      role.deletedAt = new Date(Date.now() - 8 * 86_400_000).toISOString();
    await up([{ ...office, rest: true }]);
    expect(scheduled()).toMatchObject(agent);
  });
});
