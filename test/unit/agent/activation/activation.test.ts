/** An activation under trial: what comes of it. The driver is a stand-in. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { activate } from "../../../../agent/activation/activation";
import { readTrial, readWaiting, writeTrial, type Trial } from "../../../../agent/state";
import { ActivatingVm, built, decision, dies, former, Killed, NEW, OLD, revision, type Steps } from "./activating-vm";

let vm: ActivatingVm;

beforeEach(() => {
  vm = new ActivatingVm();
});
afterEach(() => vm.remove());

describe("an activation", () => {
  it("counts when it has proved itself", async () => {
    expect(await vm.begin()).toMatchObject({ outcome: "updated", revision, lock: "digest" });
    expect(vm.did).toEqual(["switch switch", "health", "keep"]);
    expect(vm.trialLeft()).toBe(false);
  });

  const failing: [string, Steps][] = [
    ["switch", { activate: () => ({ kind: "failed", error: "boom" }) }],
    ["health", { health: () => "boom" }],
    ["switch", { keep: () => ({ kind: "failed", error: "boom" }) }],
  ];
  it.each(failing)("that fails at %s is rolled back, and refused from then on", async (stage, step) => {
    vm.steps = step;
    const ending = await vm.begin();
    expect(ending).toMatchObject({ outcome: "failed", stage, error: "boom", rolledBack: true, refuse: revision });
    expect(vm.runs).toBe(OLD);
    expect(vm.trialLeft()).toBe(false);
  });

  it.each(failing)(
    "that fails at %s while the machine shuts down is left to the run after the boot",
    async (_, step) => {
      vm.fake("systemctl", "[ $1 = is-system-running ] && echo stopping; exit 1");
      vm.steps = step;
      const ending = await vm.begin();
      expect(ending).toMatchObject({ outcome: "deferred", error: "the machine is shutting down: boom", passes: true });
      expect(vm.did).not.toContain("back");
      expect(readTrial(vm.in("state"))).toMatchObject({ path: NEW, revision });
      expect(readTrial(vm.in("state"))).not.toHaveProperty("undo");

      // The profile was not set, so that the boot brings the former one up, and the revision is still wanted.
      vm.boots(OLD);
      vm.steps = {};
      expect(await vm.next()).toMatchObject({ outcome: "deferred", rolledBack: false });
      expect(vm.trialLeft()).toBe(false);
    },
  );

  it("that could not begin because another one was under way is tried again", async () => {
    vm.steps = { activate: () => ({ kind: "failed", error: "busy", passes: "busy", unchanged: true }) };
    const ending = await vm.begin();
    expect(ending).toMatchObject({ outcome: "failed", stage: "switch", retry: "busy" });
    expect(ending.refuse).toBeUndefined();
  });

  it("that found no space for the boot loader is tried again", async () => {
    vm.steps = { keep: () => ({ kind: "failed", error: "No space left on device", passes: "space" }) };
    const ending = await vm.begin();
    expect(ending).toMatchObject({ outcome: "failed", cause: "space", rolledBack: true });
    expect(ending.retry).toBe("no space is left");
    expect(ending.refuse).toBeUndefined();
    expect(vm.runs).toBe(OLD);
  });

  it("that is whole only after a boot is kept, and proves itself again after it", async () => {
    vm.steps = { awaitsBoot: true };
    expect(await vm.begin()).toMatchObject({ outcome: "updated", reboot: true });
    expect(vm.did).toEqual(["switch switch", "health", "keep"]);
    expect(readTrial(vm.in("state"))).toMatchObject({ mode: "boot", kept: true, path: NEW });
    expect(await vm.next()).toBeUndefined();

    vm.boot = "2";
    vm.steps = { health: () => "the driver does not load" };
    const ending = await vm.next();
    expect(ending).toMatchObject({ outcome: "failed", stage: "health", rolledBack: true, refuse: revision });
    // It counted as deployed until now.
    expect(ending?.restores).toEqual(former);
    expect(vm.did).toEqual(["health", "back"]);
    expect(vm.trialLeft()).toBe(false);
  });

  it("that never counted as deployed leaves what did", async () => {
    vm.steps = { health: () => "boom" };
    const ending = await vm.begin();
    expect(ending).toMatchObject({ outcome: "failed", rolledBack: true });
    expect(ending.restores).toBeUndefined();
  });

  it("that replaces one that waits for a boot goes back to what ran", async () => {
    vm.mode = "boot";
    await vm.begin();
    vm.mode = "switch";
    vm.steps = { awaitsBoot: true };
    const waits = { revision, lock: "digest", deployed: NEW, previous: former.revision };
    await activate({ driver: vm.driver(), decision }, { ...built, revision: "d".repeat(40) }, waits, false);
    vm.boot = "2";
    vm.steps = { health: () => "boom" };
    expect((await vm.next())?.restores).toEqual(former);
  });

  it("that is whole only after a boot counts when it has proved itself after it", async () => {
    vm.steps = { awaitsBoot: true };
    await vm.begin();
    vm.boot = "2";
    vm.steps = {};
    expect(await vm.next()).toMatchObject({ outcome: "updated", revision });
    expect(vm.trialLeft()).toBe(false);
  });

  it("that needs a reboot after all is set for the next boot", async () => {
    vm.steps = { activate: () => ({ kind: "needs reboot" }) };
    expect(await vm.begin()).toMatchObject({ outcome: "updated", reboot: true, deployed: NEW });
    expect(vm.did).toEqual(["switch switch", "switch boot"]);
    expect(readTrial(vm.in("state"))).toMatchObject({ mode: "boot", path: NEW });
    expect(await vm.next()).toBeUndefined();
  });

  it("is rolled back by a later run where the rollback fails, which is announced to everyone", async () => {
    process.env["JOURNAL_STREAM"] = "1:1";
    vm.steps = { health: () => "boom", back: () => ({ ok: false, error: "stuck" }) };
    const ending = await vm.begin();
    delete process.env["JOURNAL_STREAM"];
    expect(vm.log).toContain(`<0>COULD NOT ROLL BACK from ${NEW}: stuck`);
    expect(ending).toMatchObject({
      outcome: "failed",
      stage: "health",
      rolledBack: false,
      retry: "the rollback failed",
    });
    expect(ending.error).toContain("and the rollback failed: stuck");
    vm.steps = {};
    await vm.next();
    expect(vm.did).toEqual(["back"]);
    expect(vm.trialLeft()).toBe(false);
  });

  it("is given up where there is nothing to go back to", async () => {
    vm.steps = { health: () => "boom", back: () => ({ ok: false, hopeless: true }) };
    await vm.begin();
    expect(vm.trialLeft()).toBe(false);
  });

  it("that fails leaves what waited for a reboot waiting", async () => {
    const waits: Trial = {
      ...{ path: "/nix/store/waits", revision: "a".repeat(40), lock: "", mode: "boot", boot: "1", former: OLD },
      before: { failed: [], reached: {} },
    };
    writeTrial(vm.in("state"), waits);
    vm.steps = { activate: () => ({ kind: "failed", error: "busy", passes: "busy", unchanged: true }), back: dies };
    await expect(vm.begin()).rejects.toThrow(Killed);
    expect(readWaiting(vm.in("state"))).toEqual(waits);
    vm.steps = {};
    await vm.next();
    expect(readTrial(vm.in("state"))).toEqual(waits);
  });
});
