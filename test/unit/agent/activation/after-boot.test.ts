/** What the first run after a boot makes of a trial from before it, and of a specialisation that booted. */
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StandInMachine } from "./stand-in-machine";

let machine: StandInMachine;

beforeEach(() => {
  machine = new StandInMachine();
});
afterEach(() => machine.remove());

it("goes back from a system that should have booted, if the machine booted what ran before", async () => {
  await machine.generations("A", "W");
  expect(await machine.finishAfterBoot(machine.waits())).toMatchObject({
    ...{ outcome: "failed", stage: "switch", error: "the machine booted another system instead" },
    ...{ rolledBack: true, refuse: "W", restores: machine.deployed("A") },
  });
  expect(machine.facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it.each([
  ["someone set another one for the boot", async () => (await machine.generations("N"), machine.waits())],
  ["the power was cut before it was set for the boot", () => machine.trial("W", { mode: "boot" })],
  ["it booted and someone switched to another one", () => (machine.boots("W"), machine.waits())],
  [
    "a specialisation of it booted and someone switched from it",
    () => {
      machine.specialise("W");
      machine.boots("V");
      return machine.waits();
    },
  ],
  ["what booted is unknown", () => (machine.forgetBoot(), machine.waits())],
])("does not go back from a system that waited for its boot where %s", async (_, happens) => {
  await machine.generations("A", "W");
  expect(await machine.finishAfterBoot(await happens())).toMatchObject({ outcome: "deferred", rolledBack: false });
});

describe("a specialisation of the deployed system that runs", () => {
  beforeEach(async () => {
    await machine.generations("A");
    machine.specialise("A");
    machine.runs("V");
    machine.boots("V");
    writeFileSync(machine.in("V/kernel-params"), "mitigations=off");
    writeFileSync(machine.in("A/kernel-params"), "quiet");
  });

  it("counts as that system, so that no run switches out of it", async () => {
    const none = { attributes: undefined, name: undefined, instance: undefined };
    vi.spyOn(machine.driver.metadata, "answers").mockResolvedValue(none);
    expect((await machine.driver.observe(1)).drifted).toBe(false);
    expect(machine.driver.isCurrent(machine.in("A"))).toBe(true);
    expect(machine.driver.isCurrent(machine.in("N"))).toBe(false);
    machine.runs("N");
    expect((await machine.driver.observe(1)).drifted).toBe(true);
  });

  it("needs no reboot", async () => {
    expect(machine.driver.awaitsBoot(machine.in("A"))).toBe(false);
    expect(machine.driver.awaitsBoot(machine.in("N"))).toBe(true);
    expect(await machine.driver.needsReboot({ outcome: "unchanged", rolledBack: false })).toBe(false);
  });

  it("stays where a system goes that was only to boot", async () => {
    expect(await machine.rollBack(machine.trial("N", { mode: "boot" }))).toEqual({ ok: true });
    expect(machine.facts()).toMatchObject({ runs: "V", profile: "A", boots: "A" });
  });

  it("came up if that system waited for its boot, whose health then counts", async () => {
    vi.spyOn(machine.driver, "healthError").mockResolvedValue(undefined);
    const ending = await machine.finishAfterBoot(
      machine.trial("A", { mode: "boot", since: "2026-01-01T00:00:00Z", former: machine.in("N") }),
    );
    // What is deployed is not the specialisation.
    expect(ending).toMatchObject({ outcome: "updated", revision: "A", deployed: machine.in("A"), trialOver: {} });
  });
});
