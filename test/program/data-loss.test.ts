/** What an update could lose: VMs that a change would replace or stop, and home disks that outlive VM and stack. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "./setup/program";

let program: Program;
beforeAll(async () => {
  program = await Program.start("keep");
});
afterAll(() => program.stop());

const base = {
  "nixos-fleet:deletionProtection": "false",
  "nixos-fleet:defaults": { homeDisk: { sizeGb: 50 } },
};

/** Runs a command with one VM, of these settings, and more configuration. */
async function run(command: string, vm: object = {}, more: object = {}) {
  program.configure({ ...base, "nixos-fleet:vms": [{ name: "dev-alice", ...vm }], ...more });
  return program.run(command);
}

async function up(vm: object = {}, more: object = {}): Promise<string> {
  const { exitCode, text } = await run("up", vm, more);
  expect(exitCode, text).toBe(0);
  expect(await program.changes()).toEqual({});
  return text;
}

const vm = () => program.cloud.store.instance("dev-alice");
const disk = (zone: string) => program.cloud.store.state.resources[`zones/europe-west1-${zone}/disks/dev-alice-home`];

describe("an update", () => {
  it("that would replace a VM stops before anything is changed, in a preview as well", async () => {
    await up();
    const before = vm();
    await program.commit('{"nodes":{"new":{}}}');
    const approved = program.approved("all");
    for (const command of ["preview", "up"]) {
      const { exitCode, text } = await run(command, { zone: "europe-west1-c", machineType: "n2-standard-4" });
      expect(exitCode).not.toBe(0);
      expect(text).toContain(
        "nixos-fleet:vms[0].zone: europe-west1-c would replace dev-alice, which is in europe-west1-b; to allow that, name it in nixos-fleet:replace",
      );
      expect(text).toContain(
        "nixos-fleet:vms[0].machineType: n2-standard-4 requires restarting dev-alice, which runs as e2-standard-4; to allow that, set nixos-fleet:allowStopping to true",
      );
    }
    const moved = await run("up", {}, { "nixos-fleet:network": { cidr: "10.9.0.0/24" } });
    expect(moved.exitCode).not.toBe(0);
    expect(moved.text).toContain(
      "nixos-fleet:network.cidr: 10.9.0.0/24 does not hold 10.128.0.0/20, the subnet of dev-alice",
    );
    expect(vm()).toEqual(before);
    expect(program.approved("all")).toBe(approved);
  });

  it("leaves a boot disk as it is and says how to have it grow", async () => {
    const text = await up({ diskSizeGb: 200 });
    expect(text).toContain("gcloud compute disks resize dev-alice --zone=europe-west1-b --size=200");
    expect(program.cloud.store.state.resources["zones/europe-west1-b/disks/dev-alice"]?.resource["sizeGb"]).toBe("100");
  });

  it("stops and starts a VM for another machine type where it may", async () => {
    const before = vm();
    await up({ machineType: "n2-standard-4" }, { "nixos-fleet:allowStopping": "true" });
    expect(vm()).toMatchObject({ id: before?.id, status: "RUNNING" });
    expect(vm()?.machineType).toMatch(/n2-standard-4$/);
  });

  it("replaces a VM that is named, though not one that Compute protects", async () => {
    const before = vm();
    const replace = { "nixos-fleet:replace": ["dev-alice"] };
    await up({ deletionProtection: true }, { "nixos-fleet:allowStopping": "true" });
    const refused = await run("up", { diskType: "pd-ssd", deletionProtection: true }, replace);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.text).toContain(
      "nixos-fleet:vms[0].deletionProtection: must be false, and applied, before dev-alice can be replaced",
    );
    expect(vm()?.id).toBe(before?.id);

    await up();
    await up({ machineType: "c3-standard-4" }, replace);
    const other = vm();
    expect(other?.id).not.toBe(before?.id);
    expect(other?.machineType).toMatch(/c3-standard-4$/);
    const text = await up({ zone: "europe-west1-c", diskSizeGb: 20 }, replace);
    expect(text).toContain("dev-alice-home stays in europe-west1-b, and dev-alice gets an empty disk");
    expect(vm()?.id).not.toBe(other?.id);
    expect(vm()?.zone).toMatch(/europe-west1-c$/);
    expect([disk("b"), disk("c")]).toMatchObject([{ resource: {} }, { resource: {} }]);
  });
});

describe("a home disk", () => {
  const there = { zone: "europe-west1-c", diskSizeGb: 20 };

  it("comes back with its VM, and with the stack", async () => {
    const before = disk("c")?.resource;
    const others = [{ name: "dev-bob", homeDisk: false }];
    await up({}, { "nixos-fleet:vms": others });
    expect(vm()).toBeUndefined();
    expect(disk("c")?.resource.id).toBe(before?.id);
    await up(there, { "nixos-fleet:vms": [...others, { name: "dev-alice", ...there }] });
    expect(vm()?.disks[1]).toMatchObject({ deviceName: "home", source: before?.selfLink });

    const destroyed = await run("destroy", there);
    expect(destroyed.exitCode, destroyed.text).toBe(0);
    expect(Object.keys(program.cloud.store.state.resources).sort()).toEqual([
      "zones/europe-west1-b/disks/dev-alice-home",
      "zones/europe-west1-c/disks/dev-alice-home",
    ]);
    await up(there);
    expect(vm()?.disks[1]).toMatchObject({ deviceName: "home", source: before?.selfLink });
    expect(disk("c")?.resource.id).toBe(before?.id);
  });

  it("of its name that is where its VM goes is taken, and the other one left", async () => {
    const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "keep" };
    const body = JSON.stringify({
      name: "dev-alice-home",
      sizeGb: "50",
      type: "zones/europe-west1-b/diskTypes/pd-balanced",
      labels,
    });
    const headers = { authorization: "Bearer local" };
    // From an earlier move there may be one.
    const disks = `${program.endpoint}/compute/v1/projects/local-project/zones/europe-west1-b/disks`;
    await fetch(disks, { method: "POST", headers, body });
    await program.cloud.operations.settled();
    const [before, left] = [disk("b")?.resource, disk("c")?.resource];
    expect(before).toMatchObject({ labels });
    const text = await up({}, { "nixos-fleet:replace": ["dev-alice"] });
    expect(text).not.toContain("an empty disk");
    expect(vm()?.disks[1]).toMatchObject({ deviceName: "home", source: before?.selfLink });
    expect([disk("b")?.resource.id, disk("c")?.resource.id]).toEqual([before?.id, left?.id]);
  });

  it("never shrinks and keeps its type", async () => {
    const { exitCode, text } = await run("up", { homeDisk: { sizeGb: 20, type: "pd-ssd" } });
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      "nixos-fleet:vms[0].homeDisk.type: pd-ssd is not what dev-alice-home is, pd-balanced; a disk keeps its type",
    );
    expect(text).toContain(
      "nixos-fleet:vms[0].homeDisk.sizeGb: 20 is less than the 50 GB that dev-alice-home has; a disk never shrinks",
    );
  });

  it("is not taken from a VM that runs", async () => {
    const before = vm();
    const { exitCode, text } = await run("up", { homeDisk: false });
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      "nixos-fleet:vms[0].homeDisk: without it dev-alice-home would be detached while dev-alice runs and people use it",
    );
    expect(vm()).toEqual(before);
  });
});
