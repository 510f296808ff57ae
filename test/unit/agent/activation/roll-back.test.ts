/** How a system goes back to what ran before, and what the next boot starts then. */
import { basename } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { resolved } from "../../../../agent/host/files";
import { StandInMachine } from "./stand-in-machine";

let machine: StandInMachine;

beforeEach(() => {
  machine = new StandInMachine();
});
afterEach(() => machine.remove());

it("goes back to what was deployed, and drops the generation that failed", async () => {
  await machine.generations("A");
  await machine.generationOnTrial("N");
  machine.runs("N");
  expect(await machine.rollBack(machine.trial("N"))).toEqual({ ok: true });
  expect(machine.facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it("goes back by the boot loader alone from a system that never ran", async () => {
  await machine.generations("A", "N");
  machine.system("A", "exit 1");
  expect(await machine.rollBack(machine.trial("N", { mode: "boot" }))).toEqual({ ok: true });
  expect(machine.facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it("leaves the way back of one that its pre-switch checks refuse to the next boot", async () => {
  await machine.generations("A");
  machine.runs("N");
  machine.system("A", "exit 1");
  expect(await machine.rollBack(machine.trial("N"))).toEqual({ ok: false, awaitsBoot: true });
  expect(machine.facts()).toMatchObject({ runs: "N", profile: "A", boots: "A" });
});

it("reports that it needs a reboot, and has gone back after that", async () => {
  await machine.generations("A");
  machine.runs("N");
  machine.system("A", "exit 1");
  const failed = machine.trial("N", { undo: { stage: "health", error: "web.service failed" } });
  const finish = () => machine.finish(failed);
  const why = "what ran before runs only after a reboot";
  for (let run = 0; run < 2; run++) {
    const ending = await finish();
    expect(ending).toMatchObject({ outcome: "failed", stage: "health", rolledBack: false, refuse: "N", reboot: true });
    expect(ending).toMatchObject({ error: `web.service failed\n${why}`, retry: why });
    expect(ending.trialOver).toBeUndefined();
  }
  // The timer of reboots asks without an ending.
  const needsReboot = () => machine.driver.needsReboot({ outcome: "unchanged", rolledBack: false });
  expect(await needsReboot()).toBe(true);

  vi.spyOn(machine.driver, "boot").mockReturnValue("the next one");
  machine.runs("A");
  expect(await needsReboot()).toBe(false);
  expect(await finish()).toMatchObject({ outcome: "failed", rolledBack: true, refuse: "N", trialOver: {} });
});

const locked = "echo Could not acquire lock; exit 11";

it("is not done while another switch runs, whatever the pre-switch checks would say", async () => {
  await machine.generations("A");
  machine.runs("N");
  machine.system("A", locked);
  expect(await machine.rollBack(machine.trial("N"))).toEqual({
    ok: false,
    error: "another switch-to-configuration is running",
  });
});

it("knows how to activate a system only when no other switch runs", async () => {
  machine.system("N", locked);
  const busy = { stage: "switch", cause: "busy", message: "another switch-to-configuration is running" };
  await expect(machine.driver.mode(machine.in("N"))).rejects.toMatchObject(busy);
});

it("goes back to what ran while another system waits for its boot, which it still gets", async () => {
  await machine.generations("A", "W");
  machine.runs("N");
  expect(await machine.rollBack(machine.trial("N", { replaces: machine.waits() }))).toEqual({ ok: true });
  expect(machine.facts()).toEqual({ runs: "A", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("goes back to what ran also by the trial of an agent that did not record what was deployed", async () => {
  await machine.generations("A", "W");
  machine.runs("N");
  const { restores: _, ...older } = machine.trial("N", { replaces: machine.waits() });
  expect(await machine.rollBack(older)).toEqual({ ok: true });
  expect(machine.facts()).toMatchObject({ runs: "A", profile: "W", boots: "W" });
});

it("is not done while what failed still runs and another system waits for its boot", async () => {
  await machine.generations("A", "W");
  machine.runs("N");
  machine.system("A", "exit 1");
  expect(await machine.rollBack(machine.trial("N", { replaces: machine.waits() }))).toEqual({ ok: false });
  expect(machine.facts()).toMatchObject({ runs: "N", profile: "W", boots: "W" });
});

it("stays on what runs if that failed on the way back from a system that waits for its boot", async () => {
  await machine.generations("A", "W");
  expect(await machine.rollBack(machine.trial("A", { replaces: machine.waits() }))).toEqual({ ok: true });
  expect(machine.facts()).toEqual({ runs: "A", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("keeps the generation of what ran before and failed when it was deployed again", async () => {
  await machine.generations("A");
  expect(await machine.rollBack(machine.trial("A"))).toEqual({ ok: true });
  expect(machine.facts()).toEqual({ runs: "A", profile: "A", boots: "A", generations: ["A"] });
});

it("goes back to a system that runs already and waits for its boot", async () => {
  await machine.generations("A", "W");
  machine.runs("N");
  const replaces = machine.waits({ kept: true });
  expect(
    await machine.rollBack(machine.trial("N", { former: machine.in("W"), restores: machine.deployed("W"), replaces })),
  ).toEqual({
    ok: true,
  });
  expect(machine.facts()).toEqual({ runs: "W", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("goes back to what a boot has started meanwhile", async () => {
  await machine.generations("A", "W");
  machine.runs("W");
  expect(await machine.rollBack(machine.trial("N", { replaces: machine.waits({ boot: "an earlier one" }) }))).toEqual({
    ok: true,
  });
  expect(machine.facts()).toEqual({ runs: "W", profile: "W", boots: "W", generations: ["A", "W"] });
});

it("only sets the profile where the switch changed nothing", async () => {
  await machine.generations("A", "W");
  expect(await machine.rollBack(machine.trial("N", { replaces: machine.waits() }), true)).toEqual({ ok: true });
  expect(basename(resolved(machine.in("profile")) ?? "")).toBe("W");
});
