/** The smallest stack and a full one: every input of every resource, as the engine hands them to the provider. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  account,
  actsAs,
  admitted,
  apis,
  network,
  readProject,
  settings,
  startup,
  vm,
  wave,
} from "./setup/expected-resources";
import { Program } from "./setup/program";

let program: Program;
beforeEach(async () => {
  program = await Program.start("inputs");
});
afterEach(() => program.stop());

describe("the program", () => {
  it("declares the smallest stack, finds it unchanged, and takes all of it away", async () => {
    program.configure({ "nixos-fleet:deletionProtection": "false", "nixos-fleet:vms": [{ name: "dev-alice" }] });
    // A VM's first boot finds its startup script, however early or late it is.
    const without = new Set<string>();
    program.cloud.store.onChange(() => {
      const there = program.cloud.store.state.resources["zones/europe-west1-b/instances/dev-alice"];
      if (there !== undefined && program.item("nixos-fleet-startup--devs--inputs") === undefined)
        without.add(String(there.resource["status"]));
    });
    const up = await program.run("up");
    expect(up.exitCode, up.text).toBe(0);
    expect(program.resources()).toEqual({
      ...apis,
      ...network("10.128.0.0/20"),
      ...account,
      ...startup,
      ...wave(await program.head(), "all", {
        NIXOS_FLEET_MEMBERS: "dev-alice",
        NIXOS_FLEET_MAX_FAILURES: "0",
        NIXOS_FLEET_TIMEOUT: "1200",
        NIXOS_FLEET_BOOT_TIMEOUT: "900",
      }),
      "devs-dev-alice-vm": vm(
        { name: "dev-alice", deletionProtection: false },
        { ...settings, homes: [] },
        { "nixos-fleet-wave": "all" },
      ),
    });
    expect(await program.changes()).toEqual({});

    const again = await program.run("up", "--expect-no-changes");
    expect(again.exitCode, again.text).toBe(0);

    const held = await program.fleet("hold", "--why", "a person's hold goes with the fleet", "--stack", "inputs");
    expect(held.exitCode, held.text).toBe(0);
    const destroy = await program.run("destroy");
    expect(destroy.exitCode, destroy.text).toBe(0);
    expect(program.resources()).toEqual({});
    expect(program.cloud.store.state.resources).toEqual({});
    expect(program.cloud.store.state.project.metadata.items ?? []).toEqual([]);
    expect(program.cloud.store.state.iam).toEqual({ accounts: {}, policies: {} });
    expect(program.cloud.machines.specs.size).toBe(0);
    expect(without).toEqual(new Set());
  });

  it("declares a full stack; where VMs are protected a destroy changes nothing", async () => {
    program.configure({
      "nixos-fleet:follow": "approved",
      "nixos-fleet:directory": "/srv/config",
      "nixos-fleet:network": { cidr: "10.9.0.0/24" },
      "nixos-fleet:defaults": { machineType: "e2-standard-2", diskSizeGb: 50 },
      "nixos-fleet:bootTimeout": "10m",
      "nixos-fleet:teams": { infra: ["group:infra@example.com"], developers: ["group:devs@example.com"] },
      "nixos-fleet:vms": [
        { name: "dev-canary", owner: "Infra@example.com" },
        {
          name: "dev-alice",
          host: "workstation",
          zone: "europe-west1-c",
          machineType: "n2-standard-4",
          diskSizeGb: 200,
          homes: [{ user: "alice" }],
          labels: { "cost-centre": "research" },
        },
      ],
      "nixos-fleet:waves": [
        { name: "canary", vms: ["dev-canary"], timeout: "5m", homes: "gate" },
        {
          name: "rest",
          rest: true,
          maxFailures: "10%",
          timeout: "1h",
          pause: "1s",
          onFailure: "rollback",
        },
      ],
    });
    const up = await program.run("up");
    expect(up.exitCode, up.text).toBe(0);
    const everywhere = { ...settings, directory: "/srv/config", follow: "approved" };
    expect(program.resources()).toEqual({
      ...apis,
      ...network("10.9.0.0/24"),
      ...account,
      ...startup,
      ...admitted("dev-canary", "europe-west1-b", "group:infra@example.com", "group:devs@example.com"),
      ...admitted("dev-alice", "europe-west1-c", "group:infra@example.com", "group:devs@example.com"),
      ...actsAs("group:devs@example.com", "group:infra@example.com"),
      ...readProject("group:devs@example.com", "group:infra@example.com"),
      ...wave(await program.head(), "canary", {
        NIXOS_FLEET_MEMBERS: "dev-canary",
        NIXOS_FLEET_LATER_WAVES: "rest",
        NIXOS_FLEET_MIN_SUCCEEDED: "1",
        NIXOS_FLEET_MAX_FAILURES: "0",
        NIXOS_FLEET_TIMEOUT: "300",
        NIXOS_FLEET_BOOT_TIMEOUT: "600",
        NIXOS_FLEET_HOMES: "gate",
      }),
      ...wave(await program.head(), "rest", {
        NIXOS_FLEET_MEMBERS: "dev-alice",
        NIXOS_FLEET_MAX_FAILURES: "10%",
        NIXOS_FLEET_TIMEOUT: "3600",
        NIXOS_FLEET_BOOT_TIMEOUT: "600",
        NIXOS_FLEET_PAUSE: "1",
        NIXOS_FLEET_ON_FAILURE: "rollback",
      }),
      "devs-dev-canary-vm": vm(
        {
          name: "dev-canary",
          deletionProtection: true,
          machineType: "e2-standard-2",
          bootDisk: { initializeParams: { image: "nixos-fleet", size: 50, type: "pd-balanced" } },
        },
        { ...everywhere, host: "dev-canary", wave: "canary", homes: [] },
        { "nixos-fleet-wave": "canary", "nixos-fleet-owner": "infra_example_com" },
      ),
      "devs-dev-alice-vm": vm(
        {
          name: "dev-alice",
          zone: "europe-west1-c",
          deletionProtection: true,
          machineType: "n2-standard-4",
          bootDisk: { initializeParams: { image: "nixos-fleet", size: 200, type: "pd-balanced" } },
        },
        { ...everywhere, host: "workstation", wave: "rest", homes: [{ user: "alice", attribute: "alice" }] },
        { "nixos-fleet-wave": "rest", "cost-centre": "research" },
      ),
    });
    expect(await program.changes()).toEqual({});

    // The preview, which people do not skip, refuses before anything is taken away.
    const before = program.resources();
    const destroy = await program.run("destroy", "--skip-preview=false");
    expect(destroy.exitCode).not.toBe(0);
    expect(destroy.text).toMatch(/dev-canary-vm.* cannot be deleted/s);
    expect(program.resources()).toEqual(before);
    expect([...program.cloud.machines.specs.keys()].sort()).toEqual(["dev-alice", "dev-canary"]);
  });
});
