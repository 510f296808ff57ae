/** What a VM's last report, its state and what is held or pinned mean for a gate. Pure. */
import { short, type Report } from "../../rules/contract";
import { holdOn } from "../control-item";
import { formatDuration } from "../duration";
import type { Decisions } from "../fleet";
import { judgeHomes } from "./homes";
import { hardEnd, type GateOptions, type VmProgress } from "./state";
import { reportOf, type Reading } from "../reports";
import { failureOf, holdText } from "../status/status";
import { oneLine } from "../text";

export type Judgement = Pick<VmProgress, "result" | "reason">;

/** A VM that said `held` before the gate began gets these seconds to say something newer. */
const heldGrace = 30;

/** What a VM's last report, its state and what is held mean. */
export function judge(
  progress: VmProgress,
  unread: boolean,
  decisions: Decisions,
  at: number,
  options: GateOptions,
): Judgement {
  const { vm, baseline } = progress;
  const { control } = decisions;
  // A pinned VM takes the approval in as well, and whatever it reports is about its pin.
  const pin = control.pins[vm.name];
  if (pin !== undefined && (pin !== options.revision || options.undo !== undefined)) {
    return { result: "deferred", reason: `pinned to ${short(pin)}` };
  }
  const reading = progress.reports?.system ?? { kind: "none" };
  const report = reportOf(reading);
  const answer = report === null ? undefined : judgeReport(report, progress, decisions, options);
  if (answer !== undefined && answer.result !== "pending") {
    return answer;
  }
  if (!["RUNNING", "PROVISIONING", "STAGING"].includes(vm.state)) {
    return { result: "deferred", reason: `is stopped (${oneLine(vm.state, 30)})` };
  }
  const hold = holdOn(control, vm, options.revision);
  if (hold !== undefined) {
    return { result: "deferred", reason: holdText(hold) };
  }
  if (report?.outcome === "held" && (report.at !== baseline?.at || at - progress.since >= heldGrace)) {
    return { result: "deferred", reason: "held on the VM itself" };
  }
  const limit = progress.reported ? options.timeout : options.bootTimeout;
  const overdue = at >= hardEnd(options) || (!unread && at - progress.since >= limit);
  return overdue
    ? { result: "failed", reason: answer?.reason ?? silence(reading, limit) }
    : { result: "pending", reason: answer?.reason ?? null };
}

/** What a report says about the approval; undefined where it is older than that. */
function judgeReport(
  report: Report,
  { vm, reports, baseline }: VmProgress,
  { approvals, control }: Decisions,
  options: GateOptions,
): Judgement | undefined {
  const { revision } = options;
  if (options.undo !== undefined) {
    return judgeUndone(report, baseline, revision);
  }
  const pinned = control.pins[vm.name] === revision && report.revision === revision;
  if (report.approved !== revision && !pinned) {
    return undefined;
  }
  // Where a retry was asked for, what stood there before it (a failure, or its undo) says nothing yet.
  const stale = control.retry.includes(revision) && baseline?.at === report.at;
  // RunOptions the revision and unable to fetch, verify or build is a failure to move on from it.
  const stuck = report.revision === revision && ["fetch", "verify", "build"].includes(report.stage ?? "");
  if (report.outcome === "failed" && !stuck) {
    return { result: stale ? "pending" : "failed", reason: failureOf(report) };
  }
  if (report.outcome === "held" || report.outcome === "deferred") {
    return { result: "deferred", reason: oneLine(report.error ?? `the VM says: ${report.outcome}`, 200) };
  }
  const elsewhere = report.revision !== revision && !report.rebootRequired;
  if (elsewhere && stale) {
    return undefined;
  }
  if (elsewhere && vm.wave !== null && control.instead[vm.wave]?.[revision] !== undefined) {
    return { result: "deferred", reason: `went back to ${short(oneLine(report.revision))}` };
  }
  // Past the approval a VM gets by following the branch, or ran already what descends from it: then it says `unchanged`.
  if (elsewhere && vm.follow === "approved" && report.outcome !== "unchanged") {
    return { result: "failed", reason: `took in the approval, but runs ${short(oneLine(report.revision))}` };
  }
  const home = judgeHomes(vm, reports?.homes ?? {}, approvals[options.wave], options);
  if (home.result !== "succeeded") {
    return home;
  }
  const notes = [
    ...(report.outcome === "failed" ? [`runs it, but since then ${failureOf(report)}`] : []),
    ...(report.rebootRequired ? ["needs a reboot"] : []),
    ...(elsewhere ? ["runs what came after the approval"] : []),
    ...(home.reason === null ? [] : [home.reason]),
  ];
  return { result: "succeeded", reason: notes.length === 0 ? null : notes.join("; ") };
}

/** What a report says about an approval that was undone; undefined where it is older than that. */
function judgeUndone(report: Report, baseline: Report | null, bad: string): Judgement | undefined {
  // Who has not even taken the approval in may still be on its way to it; what stood there before says nothing yet.
  const stale = report.at === baseline?.at;
  if (report.approved !== bad || (stale && report.revision === bad)) {
    return undefined;
  }
  if (report.outcome === "failed") {
    return { result: stale ? "pending" : "failed", reason: failureOf(report) };
  }
  if (report.outcome === "held" || report.outcome === "deferred") {
    return stale
      ? undefined
      : { result: "deferred", reason: oneLine(report.error ?? `the VM says: ${report.outcome}`, 200) };
  }
  return report.revision === bad
    ? undefined
    : { result: "succeeded", reason: report.rebootRequired ? "needs a reboot" : null };
}

function silence(reading: Reading, limit: number): string {
  if (reading.kind === "invalid") {
    return reading.problem;
  }
  return reading.kind === "none"
    ? `did not report within ${formatDuration(limit)} of its start`
    : `did not answer within ${formatDuration(limit)}`;
}
