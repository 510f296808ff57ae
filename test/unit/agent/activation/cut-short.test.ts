/** What the next run does after an activation was cut short anywhere, or waits for a reboot. The driver is a stand-in. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ActivatingVm, built, dies, former, Killed, NEW, OLD, revision } from "./activating-vm";

let vm: ActivatingVm;

beforeEach(() => {
  vm = new ActivatingVm();
});
afterEach(() => vm.remove());

const cutShort = () => expect(vm.begin()).rejects.toThrow(Killed);

describe("an activation that was cut short", () => {
  it.each([
    ["before the switch", { activate: dies }],
    ["before it proved itself", { health: dies }],
    ["before it was kept", { keep: dies }],
  ])("%s is done again", async (_, step) => {
    vm.steps = step;
    await cutShort();
    vm.steps = {};
    expect(await vm.next()).toMatchObject({ outcome: "updated", revision });
    expect(vm.did).toEqual(["switch switch", "health", "keep"]);
    expect(vm.runs).toBe(NEW);
  });

  it.each(["activate", "health", "keep"] as const)("at %s is let go after a boot of the old one", async (where) => {
    vm.steps = { [where]: dies };
    await cutShort();
    vm.steps = {};
    vm.boots(OLD);
    expect(await vm.next()).toMatchObject({ outcome: "deferred", error: "an update was cut short" });
    expect(vm.did).toEqual(["let go"]);
    expect(vm.trialLeft()).toBe(false);
  });

  it("and that a boot brought up has to prove itself", async () => {
    vm.steps = { health: dies };
    await cutShort();
    vm.boots(NEW);
    vm.steps = { health: () => "boom" };
    expect(await vm.next()).toMatchObject({ outcome: "failed", stage: "health", refuse: revision });
    expect(vm.did).toEqual(["switch switch", "health", "back"]);
    expect(vm.runs).toBe(OLD);
  });

  it("within the rollback goes on being rolled back, also after a boot", async () => {
    vm.steps = { health: () => "boom", back: dies };
    await cutShort();
    vm.steps = {};
    vm.boots(NEW);
    expect(await vm.next()).toMatchObject({ outcome: "failed", stage: "health", error: "boom", refuse: revision });
    expect(vm.did).toEqual(["back"]);
    expect(vm.runs).toBe(OLD);
  });

  it("and whose file cannot be read is decided by what runs", async () => {
    writeFileSync(vm.in("state/trial.json"), '{"path":');
    expect(await vm.next()).toBeUndefined();
    expect(vm.trialLeft()).toBe(false);
  });
});

describe("a trial that waits for a reboot", () => {
  it("is left alone until then, and proves itself after it", async () => {
    vm.mode = "boot";
    expect(await vm.begin()).toMatchObject({ outcome: "updated", reboot: true, deployed: NEW });
    expect(await vm.next()).toBeUndefined();
    vm.boots(NEW);
    expect(await vm.next()).toMatchObject({ outcome: "updated", revision });
    expect(vm.did).toEqual(["health"]);
    expect(vm.trialLeft()).toBe(false);
  });

  it("is rolled back and refused if the machine boots another system instead", async () => {
    vm.steps = { awaitsBoot: true };
    await vm.begin();
    vm.boots(OLD);
    const error = "the machine booted another system instead";
    expect(await vm.next()).toMatchObject({
      stage: "switch",
      error,
      rolledBack: true,
      refuse: revision,
      restores: former,
    });
    expect(vm.did).toEqual(["back"]);
  });
});

it("an agent of before reads what this one writes", async () => {
  vm.steps = { health: dies };
  await cutShort();
  const text = JSON.parse(readFileSync(vm.in("state/trial.json"), "utf8")) as object;
  expect(text).toEqual({
    ...built,
    restores: former,
    mode: "switch",
    ...{ boot: "1", begun: expect.any(String) as string, former: OLD },
    before: { failed: [], reached: {} },
  });
});
