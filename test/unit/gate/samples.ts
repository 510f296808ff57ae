/** A gate's options and looks for its tests. */
import { expect } from "vitest";
import type { Report } from "../../../rules/report";
import type { FleetVm } from "../../../cli/fleet";
import { step } from "../../../rules/gate/verdict";
import { noProgress, type GateOptions, type GateState, type Observation, type Result } from "../../../rules/gate/state";
import type { Reading } from "../../../rules/report-reading";
import { decisions, good, old, reading, reports, silent, vm } from "../cli/fleet-samples";

export const options: GateOptions = {
  wave: "rest",
  revision: good,
  maxFailures: { count: 0 },
  timeout: 100,
  bootTimeout: 60,
  homes: "report",
  pause: 0,
  laterWaves: [],
  minSucceeded: 0,
  reboot: false,
  passedBefore: false,
};
export const approved = decisions({ rest: good });
export const before = reading({ revision: old, approved: old, at: "2026-01-01T11:00:00Z" });
export const failure: Partial<Report> = { revision: old, outcome: "failed", stage: "build", error: "builder\nsaid no" };

/** What stands in the control item after an undo of it, and the same approval with that. */
export const undo = { instead: { rest: { [good]: "previous" as const } } };
export const undone = decisions({ rest: good }, undo);
/** The same approval, with a retry asked for. */
export const retrying = decisions({ rest: good }, { retry: [good] });

/** What the gate makes of one VM that was seen so at these moments (in seconds). */
export function see(
  looks: [at: number, system: Reading | undefined, vm?: Partial<FleetVm>][],
  { control = approved, with: changed = {} }: { control?: typeof approved; with?: Partial<GateOptions> } = {},
): GateState {
  return looks.reduce((state, [at, system, changes]) => {
    const entry = { vm: vm("a", changes), ...(system === undefined ? {} : { reports: reports(system) }) };
    return step(state, { at, decisions: control, vms: [entry], fleetSize: 1 }, { ...options, ...changed });
  }, noProgress);
}

/** The result of the VM that `see` looked at, and why. */
export function resultOf(state: GateState): [Result | undefined, string | null | undefined] {
  const progress = state.vms.get("a");
  return [progress?.result, progress?.reason];
}

/** @param reason what it says, if anything */
export function expectResult(state: GateState, result: Result, reason: RegExp | null): void {
  const [is, why] = resultOf(state);
  expect(is).toBe(result);
  if (reason === null) expect(why).toBeNull();
  else expect(why).toMatch(reason);
}

/** A look at VMs that each made their end: `s`ucceeded, `f`ailed, `d`eferred, or are `p`ending. */
export function look(ends: string, control = approved, at = 0): Observation {
  const said: Record<string, Reading> = { s: reading(), f: reading(failure), p: before, d: before };
  const vms = Array.from(ends, (end, index) => ({
    vm: vm(`vm-${index}`, { state: end === "d" ? "TERMINATED" : "RUNNING" }),
    reports: reports(said[end] ?? silent),
  }));
  return { at, decisions: control, vms, fleetSize: vms.length };
}
