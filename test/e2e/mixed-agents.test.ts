/** Agents of version 0.1.0 and of today in one fleet, which today's program and tool steer: first all are old, then some, then none. */
import { cpSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { push, seed } from "../../local/cli/repository";
import { TestCloud, until } from "./cloud";

const fixture = resolve(__dirname, "../fixtures/agent-0.1.0");
const [canary, alice, bob] = ["dev-canary", "dev-alice", "dev-bob"];
const all = [canary, alice, bob];

class MixedFleet extends TestCloud {
  /** Up from nothing, with old agents on these VMs. */
  async startWith(old: readonly string[]): Promise<void> {
    await seed(this.place);
    for (const part of ["nix", "contract.json"])
      cpSync(join(fixture, part), join(this.clone, "nixos-fleet-0.1.0", part), { recursive: true });
    cpSync(join(this.clone, "stand-in"), join(this.clone, "stand-in-0.1.0"), { recursive: true });
    cpSync(join(fixture, "agent.nix"), join(this.clone, "stand-in-0.1.0/agent.nix"));
    this.edit("flake.nix", withBoth);
    // An option that 0.1.0 does not have.
    for (const module of ["modules/common.nix", "modules/home.nix"])
      this.edit(module, (text) => text.replace(/^.*healthSettle.*$/m, ""));
    await this.giveOld(old);
    await this.start();
  }

  /** Pushes a revision that has old agents on these VMs, and today's on the others; answers it. */
  async giveOld(vms: readonly string[]): Promise<string> {
    const path = join(this.clone, "old-agents.json");
    writeFileSync(path, JSON.stringify(vms));
    await push(this.place, [path]);
    return this.head();
  }

  /** What the machine's command runs. */
  async agentOf(vm: string): Promise<"0.1.0" | "now"> {
    const command = await this.in(vm, "cat /run/current-system/sw/bin/nixos-auto-update");
    return command.includes("nixos-auto-update.bash") ? "0.1.0" : "now";
  }

  async expectAgents(old: readonly string[]): Promise<void> {
    for (const vm of all) expect(await this.agentOf(vm), vm).toBe(old.includes(vm) ? "0.1.0" : "now");
  }

  async fleet(command: string): Promise<string> {
    const { exitCode, text } = await this.shell(`./scripts/fleet ${command}`);
    expect(exitCode, text).toBe(0);
    return text;
  }

  async reach(vms: readonly string[], revision: string): Promise<void> {
    await until(`${vms.join(", ")} run ${revision}`, 180, async () => {
      const status = await this.status();
      return vms.every((vm) => status[vm]?.system?.revision === revision);
    });
    for (const vm of vms) await this.expectRuns(vm, revision);
  }
}

/** The flake with a second stand-in, of version 0.1.0, for the machines in `old-agents.json` and their homes. */
function withBoth(flake: string): string {
  const edits: [string, string][] = [
    [
      "inherit (stand-in) nixpkgs home-manager;",
      `inherit (stand-in) nixpkgs;
      old = import ./stand-in-0.1.0 {
        lock = builtins.fromJSON (builtins.readFile ./flake.lock);
        nixos-fleet = ./nixos-fleet-0.1.0;
      };
      isOld = name: builtins.elem name (builtins.fromJSON (builtins.readFile ./old-agents.json));
      of = name: if isOld name then old else stand-in;`,
    ],
    ["nixpkgs.lib.nixosSystem {", "(of name).nixpkgs.lib.nixosSystem {"],
    ["home-manager.lib.homeManagerConfiguration {", '(of "dev-${user}").home-manager.lib.homeManagerConfiguration {'],
  ];
  return edits.reduce((text, [before, after]) => {
    if (!text.includes(before)) throw new Error(`flake.nix of the local cloud has no ${before}`);
    return text.replace(before, () => after);
  }, flake);
}

const fleet = new MixedFleet();
afterAll(() => fleet.down());

/** What a fleet of these agents takes. */
function steers(old: readonly string[]): void {
  it("takes a rollout", async () => {
    const next = await fleet.bump();
    await fleet.up();
    await fleet.reach(all, next);
    await fleet.expectAgents(old);
    for (const { drift, homeDrift } of Object.values(await fleet.status()))
      expect([drift, ...Object.values(homeDrift).map((home) => home.drift)]).not.toContain("failed");
  });

  it("takes a hold, and catches up when it ends", async () => {
    const before = await fleet.head();
    await fleet.fleet(`hold --wave rest --why 'demo at noon'`);
    const next = await fleet.bump();
    // A wave that a person holds keeps its approval.
    await fleet.up();
    await fleet.expectRuns(canary, next);
    for (const vm of [alice, bob]) await fleet.expectRuns(vm, before);
    await fleet.fleet("resume --wave rest --yes");
    for (const vm of [alice, bob]) await fleet.fleet(`hold --vm ${vm} --why 'long build'`);
    const up = await fleet.up();
    for (const vm of [alice, bob]) {
      expect(up).toMatch(new RegExp(`${vm} +deferred +after .*long build`));
      await fleet.in(vm, "systemctl start nixos-auto-update.service");
      await fleet.expectRuns(vm, before);
      expect((await fleet.status())[vm]).toMatchObject({ drift: "held", system: { outcome: "held" } });
    }
    await fleet.reach([canary], next);
    for (const vm of [alice, bob]) await fleet.fleet(`resume --vm ${vm} --yes`);
    await fleet.reach(all, next);
  });

  it("takes an undo", async () => {
    const before = await fleet.head();
    const bad = await fleet.bump();
    await fleet.up();
    await fleet.reach(all, bad);
    expect(await fleet.fleet(`rollback ${bad} --yes --timeout 3m`)).toMatch(/dev-bob/);
    await fleet.reach(all, before);
    // It stays undone, whatever asks.
    for (const vm of all) await fleet.in(vm, "systemctl start nixos-auto-update.service");
    await fleet.reach(all, before);
    const fixed = await fleet.bump();
    await fleet.up();
    await fleet.reach(all, fixed);
  });

  it("takes a pin", async () => {
    const now = await fleet.head();
    const next = await fleet.bump();
    for (const vm of [alice, bob]) await fleet.fleet(`pin ${vm} ${next} --yes`);
    await fleet.reach([alice, bob], next);
    // A running agent of 0.1.0 takes any edit of the control item for leave to go to its branch's head.
    if (!old.includes(canary)) await fleet.expectRuns(canary, now);
    for (const vm of [alice, bob]) await fleet.fleet(`pin ${vm} --clear --yes`);
    await fleet.up();
    await fleet.reach(all, next);
  });
}

describe("a fleet whose agents are all of version 0.1.0", () => {
  beforeAll(() => fleet.startWith(all));
  steers(all);
});

describe("a fleet with agents of both versions", () => {
  let upgrade: string;

  it("gets today's agent on all but one VM", async () => {
    upgrade = await fleet.giveOld([bob]);
    await fleet.up();
    await fleet.reach(all, upgrade);
    await fleet.expectAgents([bob]);
  });

  it("goes back to the agents that it had, and forward again", async () => {
    await fleet.fleet(`rollback ${upgrade} --yes --timeout 3m`);
    await fleet.expectAgents(all);
    await fleet.fleet(`retry ${upgrade} --yes`);
    await fleet.reach(all, upgrade);
    await fleet.expectAgents([bob]);
  });

  steers([bob]);
});

describe("a fleet whose agents are all of today", () => {
  it("has no old agent left", async () => {
    const last = await fleet.giveOld([]);
    await fleet.up();
    await fleet.reach(all, last);
    await fleet.expectAgents([]);
  });
});
