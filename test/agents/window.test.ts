/** A VM outside of its window: an approval is fetched and built, and waits; an urgent one and a person do not wait. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approvalKey } from "../../rules/contract";
import { expectRuns } from "../faults/expect-generation";
import { Lab } from "../faults/lab";
import type { Source } from "../faults/source";
import { pace } from "../setup/pace";
import type { Vm } from "../faults/vm";

let lab: Lab;
let source: Source;
let vm: Vm;

const state = "/var/lib/nixos-auto-update/state.json";

/** An hour's window that begins in three hours, by the VM's clock. */
async function closedWindow(): Promise<string> {
  const hour = (Number(await vm.sh("date --utc +%H")) + 3) % 24;
  return `${String(hour).padStart(2, "0")}:00-${String(hour).padStart(2, "0")}:59 UTC`;
}

async function approve(more: object = {}): Promise<string> {
  const revision = await source.head();
  lab.tell(approvalKey("devs", "faults", "canary"), { revision, lock: source.lock, ...more });
  return revision;
}

/** The same, and has the VM answer to it as `pulumi up` does by SSH: no person on the VM asks. */
async function approveAndTrigger(more: object = {}): Promise<string> {
  const revision = await approve(more);
  await vm.sh("nixos-auto-update trigger --by test || true");
  return revision;
}

/** Waits until the VM has answered to the approval of a revision: it runs it, or is to run it later. */
async function answered(revision: string, how: "updated" | "deferred"): Promise<void> {
  const runs = how === "updated" ? `.revision == "${revision}"` : `.outcome == "deferred"`;
  await vm.until(`it is ${how}`, `jq --exit-status '.approved == "${revision}" and ${runs}' ${state}`, 120);
  await vm.idle();
}

describe("a VM outside of its window", () => {
  beforeAll(async () => {
    lab = await Lab.open();
    source = await lab.source();
    source.keepsLock = true;
    await approve();
    vm = await lab.vm("waits", source, { wave: "canary", follow: "approved", contract: 2 });
    source.extra = `services.nixos-auto-update.window = [ "${await closedWindow()}" ];`;
    await source.commit();
    await answered(await approveAndTrigger(), "updated");
  });
  afterAll(() => lab.close());

  it("builds what is approved, and waits", async () => {
    const before = await vm.facts();
    await source.commit();
    await answered(await approveAndTrigger(), "deferred");
    const is = await vm.facts();
    expect(is).toMatchObject({ current: before.current, profile: before.profile });
    expect(is.systems).toBe(before.systems + 1);
    expect(vm.report()).toMatchObject({ outcome: "deferred", waiting: { for: "window" } });
    expect(await vm.sh("systemctl list-timers --no-legend 'nixos-auto-update-retry-*'")).not.toBe("");
    // A collection of garbage leaves what waits.
    await vm.sh("nix-store --gc >/dev/null 2>&1");
    expect((await vm.facts()).systems).toBe(before.systems + 1);
  });

  it("waits also where its update was killed, which goes on with the same right", async () => {
    const before = await vm.facts();
    source.extra = `services.nixos-auto-update.window = [ "${await closedWindow()}" ];
      system.systemBuilderCommands = "sleep 5";`;
    await source.commit();
    const revision = await approve();
    await vm.sh("(nixos-auto-update trigger --by test >/dev/null 2>&1 &)");
    const building = `jq --exit-status '.stage == "building"' /run/nixos-auto-update/progress.json`;
    await vm.until("it builds", building, 60);
    expect(await vm.kill("all")).toBe(true);
    await answered(revision, "deferred");
    expect(await vm.facts()).toMatchObject({ current: before.current, profile: before.profile });
  });

  it("does not wait with an urgent approval", async () => {
    await answered(await approveAndTrigger({ urgent: true }), "updated");
    await expectRuns(await vm.facts(), source);
  });

  it("does not wait where a person on the machine asks", async () => {
    await source.commit();
    await answered(await approveAndTrigger(), "deferred");
    await vm.sh("nixos-auto-update run --by carol");
    // The watcher has asked for the approval as well.
    await vm.idle();
    await expectRuns(await vm.facts(), source);
  });

  it("waits no longer than its deadline", async () => {
    source.extra = `services.nixos-auto-update = { window = [ "${await closedWindow()}" ]; windowDeadline = ${Math.ceil(5 * pace)}; };`;
    await source.commit();
    await approve();
    await vm.sh("nixos-auto-update run --by carol");
    await source.commit();
    const revision = await approveAndTrigger();
    await answered(revision, "deferred");
    await answered(revision, "updated");
    await expectRuns(await vm.facts(), source);
  });
});
