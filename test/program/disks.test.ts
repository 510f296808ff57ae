/** Home disks and their snapshots: every input, each switched on and off with no VM replaced, and a disk that outlives its VM. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { upInPlace } from "./setup/in-place";
import { succeeds } from "./setup/outcome";
import { Program, type Recorded } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("disks");
});
afterAll(() => program.stop());

const DISK = "zones/europe-west1-b/disks/dev-alice-home";
const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "disks" };
const vms = [
  { name: "dev-alice", labels: { "cost-centre": "research" } },
  { name: "dev-bob", homeDisk: false },
];

const configure = (more: object) =>
  program.configure({ "nixos-fleet:deletionProtection": "false", "nixos-fleet:vms": vms, ...more });
const up = (more: object = {}) => upInPlace(program, more, vms);

function named(part: string): Record<string, Recorded> {
  return Object.fromEntries(Object.entries(program.resources()).filter(([name]) => name.includes(part)));
}

const disk = (size: number): Recorded => [
  "gcp:compute/disk:Disk",
  {
    name: "dev-alice-home",
    zone: "europe-west1-b",
    type: "pd-ssd",
    size,
    labels: { "cost-centre": "research", ...labels },
  },
];

/** What Compute shows of the VM's disks beyond the boot disk, as device name → disk's name. */
function attached(vm = "dev-alice"): Record<string, string> {
  const rest = program.cloud.store.instance(vm)?.disks.filter(({ boot }) => !boot) ?? [];
  return Object.fromEntries(rest.map(({ deviceName, source }) => [deviceName, source.replace(/^.*\//, "")]));
}

/** Makes or attaches a disk, as someone does by hand. */
async function change(action: string, body: object): Promise<void> {
  const zone = `${program.endpoint}/compute/v1/projects/local-project/zones/europe-west1-b`;
  const answer = await fetch(`${zone}/${action}`, {
    method: "POST",
    headers: { authorization: "Bearer local", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.ok, await answer.text()).toBe(true);
  await program.cloud.operations.settled();
}

describe("home disks", () => {
  it("are attached to running VMs, grow with them, are left when they are no longer asked for, and taken again", async () => {
    await up();
    expect(named("home")).toEqual({});

    await up({ "nixos-fleet:defaults": { homeDisk: { type: "pd-ssd" } } });
    expect(named("home")).toEqual({ "devs-dev-alice-home": disk(100) });
    expect(attached()).toEqual({ home: "dev-alice-home" });
    const [, alice] = program.resources()["devs-dev-alice-vm"] ?? [];
    expect(alice?.["attachedDisks"]).toEqual([{ source: DISK, deviceName: "home" }]);

    const larger = { "nixos-fleet:defaults": { homeDisk: { type: "pd-ssd", sizeGb: 200 } } };
    const snapshots = { at: "20:00", keepDays: 30, location: "eu" };
    await up({ ...larger, "nixos-fleet:snapshots": snapshots });
    const id = program.cloud.store.state.resources[DISK]?.resource.id;
    expect(program.cloud.store.state.resources[DISK]?.resource["sizeGb"]).toBe("200");
    expect({ ...named("home"), ...named("snapshots") }).toEqual({
      "devs-dev-alice-home": disk(200),
      "devs-snapshots": [
        "gcp:compute/resourcePolicy:ResourcePolicy",
        {
          region: "europe-west1",
          snapshotSchedulePolicy: {
            schedule: { dailySchedule: { daysInCycle: 1, startTime: "20:00" } },
            retentionPolicy: { maxRetentionDays: 30, onSourceDiskDelete: "KEEP_AUTO_SNAPSHOTS" },
            snapshotProperties: { labels, storageLocations: "eu" },
          },
        },
      ],
      "devs-dev-alice-home-snapshots": [
        "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment",
        { name: "devs-snapshots-*", disk: "dev-alice-home", zone: "europe-west1-b" },
      ],
    });

    await up(larger);
    expect(Object.keys(named("home"))).toEqual(["devs-dev-alice-home"]);
    await program.instance("dev-alice", "stop");
    await up();
    expect(named("home")).toEqual({});
    expect(attached()).toEqual({});
    expect(program.cloud.store.state.resources[DISK]?.resource.id).toBe(id);

    await up(larger);
    expect(attached()).not.toEqual({});
    expect(program.cloud.store.state.resources[DISK]?.resource.id).toBe(id);
  });
});

describe("a disk that someone attached by hand", () => {
  it("stays attached to the running VM, with and without a refresh, and holds back a change of the home disk", async () => {
    // As the test before left it.
    const homeDisk = { type: "pd-ssd", sizeGb: 200 };
    await program.instance("dev-alice", "start");
    const own: Record<string, object> = { "dev-alice": { home: "dev-alice-home" }, "dev-bob": {} };
    for (const vm of Object.keys(own)) {
      await change("disks", { name: `${vm}-data`, sizeGb: "10", type: "zones/europe-west1-b/diskTypes/pd-ssd" });
      const source = `projects/local-project/zones/europe-west1-b/disks/${vm}-data`;
      await change(`instances/${vm}/attachDisk`, { source, deviceName: "data" });
    }
    for (const [label, ...flags] of [["1"], ["2", "--refresh"], ["3", "--refresh"]]) {
      configure({ "nixos-fleet:defaults": { homeDisk, labels: { of: label } } });
      expect(await succeeds(program, "up", ...flags)).toMatch(
        /dev-alice has the disk dev-alice-data, which is not of this program; it stays attached.*\(the same: dev-bob\)/,
      );
      for (const [vm, disks] of Object.entries(own)) expect(attached(vm)).toEqual({ ...disks, data: `${vm}-data` });
    }
    configure({ "nixos-fleet:vms": [vms[0], { name: "dev-bob" }], "nixos-fleet:defaults": { homeDisk } });
    const refused = await program.run("up", "--refresh");
    expect(refused.exitCode).not.toBe(0);
    expect(refused.text).toContain("with this change Pulumi would also detach dev-bob-data from dev-bob");
  });
});
