/** How much of a wave's pause is left, and whether the revision is new to the wave. Pure. */
import { reportOf } from "../report-reading";
import { hardEnd, type GateOptions, type GateState, type VmProgress } from "./state";

/**
 * Seconds of the pause that are left. For a report that came while the gate looked on, the gate's own clock says since when the VM runs the
 * revision: the clocks of the VM and of this machine may differ. For an older one the report says it. So a gate that was killed and run
 * again continues where it stopped, and a gate that is run again much later does not wait.
 */
export function pauseLeft(state: GateState, { pause, passedBefore }: GateOptions, now: number): number {
  if (passedBefore) return 0;
  const age = (progress: VmProgress) => {
    const isSeen = progress.baseline?.at !== reportOf(progress.reports?.system)?.at;
    return isSeen ? state.at - progress.changedAt : (now - reportedAt(progress)) / 1_000;
  };
  const newest = Math.min(...[...state.vms.values()].filter(({ result }) => result === "succeeded").map(age));
  return Number.isFinite(newest) ? Math.max(0, Math.min(pause, pause - newest)) : 0;
}

/** Seconds. A VM that reported the revision for longer than this plus the gate's own time had it long before the gate. */
const settledAfter = 24 * 3600;

/**
 * Whether the revision is new to the wave. If one of its VMs has run it for longer than any gate lasts, an earlier gate accepted it. A
 * gate that fails now, for example because a setting changed, is then no reason to roll everyone back.
 */
export function isNewRevision(state: GateState, options: GateOptions, now: number): boolean {
  const oldest = now - (settledAfter + hardEnd(options, state)) * 1_000;
  return ![...state.vms.values()].some((progress) => {
    const report = reportOf(progress.reports?.system);
    return (
      report?.revision === options.revision && report.approved === options.revision && reportedAt(progress) < oldest
    );
  });
}

/** When the VM last said something new, in milliseconds since 1970; NaN if it never did. */
function reportedAt({ reports }: VmProgress): number {
  return Date.parse(reportOf(reports?.system)?.at ?? "");
}
