/** Home disks and their snapshots: every input, each switched on and off with no VM replaced, and a disk that outlives its VM. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { upInPlace } from "./setup/in-place";
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

const up = (more: object = {}) => upInPlace(program, more, vms);

async function named(part: string): Promise<Record<string, Recorded>> {
  return Object.fromEntries(Object.entries(await program.resources()).filter(([name]) => name.includes(part)));
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
function attached(): Record<string, string> {
  const rest = program.cloud.store.instance("dev-alice")?.disks.filter(({ boot }) => !boot) ?? [];
  return Object.fromEntries(rest.map(({ deviceName, source }) => [deviceName, source.replace(/^.*\//, "")]));
}

describe("home disks", () => {
  it("are attached to running VMs, grow with them, are left when they are no longer asked for, and taken again", async () => {
    await up();
    expect(await named("home")).toEqual({});

    await up({ "nixos-fleet:defaults": { homeDisk: { type: "pd-ssd" } } });
    expect(await named("home")).toEqual({ "devs-dev-alice-home": disk(100) });
    expect(attached()).toEqual({ home: "dev-alice-home" });
    const [, alice] = (await program.resources())["devs-dev-alice-vm"] ?? [];
    expect(alice?.["attachedDisks"]).toEqual([{ source: DISK, deviceName: "home" }]);

    const larger = { "nixos-fleet:defaults": { homeDisk: { type: "pd-ssd", sizeGb: 200 } } };
    const snapshots = { at: "20:00", keepDays: 30, location: "eu" };
    await up({ ...larger, "nixos-fleet:snapshots": snapshots });
    const id = program.cloud.store.state.resources[DISK]?.resource.id;
    expect(program.cloud.store.state.resources[DISK]?.resource["sizeGb"]).toBe("200");
    expect({ ...(await named("home")), ...(await named("snapshots")) }).toEqual({
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
    expect(Object.keys(await named("home"))).toEqual(["devs-dev-alice-home"]);
    await program.instance("dev-alice", "stop");
    await up();
    expect(await named("home")).toEqual({});
    expect(attached()).toEqual({});
    expect(program.cloud.store.state.resources[DISK]?.resource.id).toBe(id);

    await up(larger);
    expect(attached()).not.toEqual({});
    expect(program.cloud.store.state.resources[DISK]?.resource.id).toBe(id);
  });
});
