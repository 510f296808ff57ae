/**
 * A VM that goes back to the agent of version 0.1.0, and on again, at the worst moments: each of both reads what the other left behind of
 * a trial, of a hold and of its state.
 */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectComplete, expectRuns } from "../faults/expect-generation";
import { killWhile } from "../faults/interruption";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import type { Vm } from "../faults/vm";

const fixture = path.join(__dirname, "../fixtures/agent-0.1.0");
/** As the command of that version starts it. */
const older = "NIXOS_FLEET_AGENT=/srv/older bash /srv/older/nixos-auto-update.bash";
const unit = "nixos-auto-update.service";

let lab: Lab;
let source: Source;
let vm: Vm;

/** Has the update's service be the older agent, or the VM's own again. */
async function runs(agent: "0.1.0" | "now"): Promise<void> {
  const folder = `/etc/systemd/system.control/${unit}.d`;
  const drop = `mkdir -p ${folder} && printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c "exec env ${older} run"\\n' >${folder}/older.conf`;
  await vm.sh(`${agent === "now" ? `rm -rf ${folder}` : drop}; systemctl daemon-reload`);
}

/** What is left of a trial that has not ended. */
const trialLeft = () => vm.is("test -e /var/lib/nixos-auto-update/trial.json");

beforeAll(async () => {
  lab = await Lab.open();
  source = await lab.source();
  source.extra = "services.nixos-auto-update.watch = false;";
  await source.commit();
  vm = await lab.vm("older", source);
  const files = execFileSync("tar", ["-cz", "-C", fixture, "nix/agent", "contract.json"]).toString("base64");
  await vm.sh(`mkdir /srv/files && echo ${files} | base64 -d | tar -xz -C /srv/files
    mv /srv/files/nix/agent /srv/older && mv /srv/files/contract.json /srv/older`);
});
afterAll(() => lab.close());

const others = { now: "0.1.0", "0.1.0": "now" } as const;
/** What each says when it finds a trial that has not ended. */
const repeats = { now: "was interrupted; repeating it", "0.1.0": "was cut short; doing it again" } as const;

describe.each(["now", "0.1.0"] as const)("what the agent of version %s left, the other ends:", (agent) => {
  it.each(["switching", "checking health", "keeping"])("a good update, killed while %s", async (stage) => {
    await runs(agent);
    await killWhile(vm, stage, () => source.commit("slow"));
    expect(await trialLeft()).toBe(true);
    await runs(others[agent]);
    await vm.update();
    expect(await vm.lastRun()).toContain(`an update ${repeats[others[agent]]}`);
    await expectRuns(await vm.facts(), source);
    expect(await trialLeft()).toBe(false);
  });

  it("a rollback, killed half way", async () => {
    await runs(agent);
    const before = await vm.facts();
    await killWhile(vm, "rolling back", () => source.commit("slowThenFails"));
    await runs(others[agent]);
    await vm.update();
    expect(await vm.lastRun()).toContain(`a rollback ${repeats[others[agent]]}`);
    const is = await vm.facts();
    expectComplete(is);
    expect(is.current).toBe(before.current);
    // Both know that it is refused.
    for (const next of [others[agent], agent]) {
      await runs(next);
      await vm.update();
      expect(vm.report()).toMatchObject({ outcome: "failed", stage: "switch", rolledBack: true });
      expect(await vm.lastRun()).not.toContain("→ ");
    }
  });

  it("a hold", async () => {
    await runs("now");
    const before = await vm.facts();
    const words = { now: "nixos-auto-update", "0.1.0": `env ${older}` };
    await vm.sh(`${words[agent]} hold 'demo at noon'`);
    await vm.idle();
    await source.commit();
    for (const next of [others[agent], agent]) {
      await runs(next);
      await vm.update();
      expect(vm.report()).toMatchObject({ outcome: "held" });
      expect(vm.report().error).toContain("demo at noon");
      expect((await vm.facts()).current).toBe(before.current);
    }
    await vm.sh(`${words[others[agent]]} resume`);
    await vm.idle();
    await vm.update();
    await expectRuns(await vm.facts(), source);
  });
});
