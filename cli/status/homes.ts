/** Compares a VM's homes with what they should run. Pure. */
import { short, type Drift } from "../../rules/contract";
import type { Approval } from "../../rules/rollout/approval";
import type { Home } from "../../rules/instance-metadata";
import type { Report } from "../../rules/report";
import { reportOf, type Reading } from "../../rules/report-reading";
import { failureText } from "../../rules/text/sentences";
import { oneLine } from "../../rules/text/text";
import { homeApproval } from "../../rules/rollout/approval";

/** A home in the document. */
export interface HomeStatus {
  drift: Drift;
  /** Why, in one line; null if there is no reason to show. */
  reason: string | null;
  /** The full revision that it should run; null if unknown. */
  wanted: string | null;
}

/** Seconds after its VM's start until which a VM or a home without a report counts as starting. */
export const silentAfter = 15 * 60;

/**
 * A home in the config repository follows what its VM's system runs. A home with its own repository follows that repository's approval.
 * @param running seconds since the VM was started; undefined if it does not run or the time is unknown
 */
export function homeStatus(
  home: Home,
  reading: Reading | undefined,
  {
    state,
    system,
    approval,
    running,
  }: {
    state: string;
    system: Report | null;
    approval: Approval | undefined;
    running: number | undefined;
  },
): HomeStatus {
  const wanted =
    (home.repository === undefined
      ? system?.revision
      : homeApproval(approval, { repository: home.repository, branch: home.branch })?.revision) ?? null;
  const status = (drift: Drift, reason: string | null) => ({ drift, reason, wanted });
  if (state !== "RUNNING") return status("stopped", null);
  if (reading?.kind === "invalid") return status("unknown", reading.problem);
  const report = reportOf(reading);
  if (report === null) {
    return running === undefined || running < silentAfter
      ? status("waiting", "has not reported yet")
      : status("unknown", "has never reported");
  }
  if (report.outcome === "failed") return status("failed", failureText(report));
  if (wanted === null || report.revision === wanted) return status("none", null);
  if (report.outcome === "held") return status("held", oneLine(report.error ?? "held by its user", 200));
  return status("behind", `runs ${short(report.revision)}, its VM ${short(wanted)}`);
}
