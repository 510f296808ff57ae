/** An update that found something busy: the revision is not at fault, in this run or in a later one. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { activate, finishTrial, unfinishedTrial } from "../../../../agent/activation/activation";
import type { Driver, RolledBack, Switched } from "../../../../agent/driver";
import { Scratch } from "../scratch";
import { standInDecision as decision, standInDriver } from "../stand-in-driver";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.remove());

const NEW = "/nix/store/new";
const busy = (): Promise<Switched> =>
  Promise.resolve({ kind: "failed", error: "busy", passes: "busy", unchanged: true });
const update = (driver: Driver) =>
  activate({ driver, decision }, { path: NEW, revision: "b".repeat(40), lock: "" }, {}, false);
const ends = { outcome: "failed", cause: "busy", rolledBack: true, retry: "busy" };

it("before the switch has nothing to go back from, also if the way back was cut short", async () => {
  const rollBack = vi.fn<() => Promise<RolledBack>>().mockRejectedValueOnce(new Error("killed"));
  const driver = standInDriver(scratch, { activate: busy, rollBack: rollBack.mockResolvedValue({ ok: true }) });
  await expect(update(driver)).rejects.toThrow("killed");
  const trial = unfinishedTrial(driver) ?? expect.fail("no trial is left");
  const ending = await finishTrial({ driver, decision }, trial);
  expect(ending).toMatchObject(ends);
  expect(ending.refuse).toBeUndefined();
  expect(rollBack.mock.calls.map((args: unknown[]) => args[2])).toEqual([true, true]);
});

it("that was interrupted after it had changed something stays on trial", async () => {
  const switches = vi.fn<() => Promise<Switched>>().mockRejectedValueOnce(new Error("killed")).mockImplementation(busy);
  const rollBack = vi.fn<() => Promise<RolledBack>>();
  const driver = standInDriver(scratch, { activate: switches, rollBack });
  await expect(update(driver)).rejects.toThrow("killed");
  const trial = unfinishedTrial(driver) ?? expect.fail("no trial is left");
  expect(await finishTrial({ driver, decision }, trial)).toEqual({
    ...{ outcome: "deferred", error: "busy", rolledBack: false, retry: "busy" },
  });
  expect(rollBack).not.toHaveBeenCalled();
  expect(unfinishedTrial(driver)).toEqual(trial);
});

it("after the switch, when it was to be kept, goes back from it", async () => {
  const rollBack = vi.fn<() => Promise<RolledBack>>().mockResolvedValue({ ok: true });
  const driver = standInDriver(scratch, { current: () => NEW, keep: busy, rollBack });
  const ending = await update(driver);
  expect(ending).toMatchObject(ends);
  expect(ending.refuse).toBeUndefined();
  expect(rollBack.mock.calls.map((args: unknown[]) => args[2])).toEqual([false]);
});

it("half way through the switch goes back from what it changed", async () => {
  const rollBack = vi.fn<() => Promise<RolledBack>>().mockResolvedValue({ ok: true });
  const halfWay = (): Promise<Switched> => Promise.resolve({ kind: "failed", error: "busy", passes: "busy" });
  const ending = await update(standInDriver(scratch, { activate: halfWay, rollBack }));
  expect(ending).toMatchObject(ends);
  expect(ending.refuse).toBeUndefined();
  expect(rollBack.mock.calls.map((args: unknown[]) => args[2])).toEqual([false]);
});
