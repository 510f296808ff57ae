/** What a VM's last report, its state and what is held or pinned mean for a gate. Pure. */
import { isCurrent, short } from "../contract";
import { holdOn, overrideOf } from "../rollout/control-item";
import { formatDuration } from "../text/duration";
import { own } from "../text/json";
import { saysFleetHold, type Report, type WaitingFor } from "../report";
import { failureText, holdText, waitsFor } from "../text/sentences";
import { oneLine } from "../text/text";
import { checkHomes } from "./homes";
import { reportOf, type Reading } from "../report-reading";
import {
  hardEnd,
  type GateDecisions,
  type GateOptions,
  type GateState,
  type GateVm,
  type VmProgress,
  type VmResult,
} from "./state";

/** A VM that said before the gate began that it is held on the VM itself gets these seconds to say something newer. */
const heldGrace = 30;

/** What an existing VM means for the gate. */
export function checkVm(
  progress: VmProgress & { vm: GateVm },
  unread: boolean,
  decisions: GateDecisions,
  at: number,
  options: GateOptions,
  state: Pick<GateState, "grownAt">,
): VmResult {
  const { vm, baseline } = progress;
  const { control } = decisions;
  // A pinned VM also acts on the approval, and its report is about its pin.
  const pin = own(control.pins, vm.name);
  if (pin !== undefined) {
    return { result: "deferred", reason: `pinned to ${short(pin)}`, deferral: "pinned" };
  }
  const reading = progress.reports?.system ?? { kind: "none" };
  const report = reportOf(reading);
  const hold = holdOn(control, vm, options.revision);
  // The fleet's hold is gone, and the VM has yet to act.
  const isPastHold = report !== null && hold === undefined && saysFleetHold(report);
  const answer = isPastHold
    ? { result: "pending" as const, reason: "has not answered since its hold ended" }
    : report === null
      ? undefined
      : checkReport(report, { ...progress, vm }, decisions, options);
  if (answer !== undefined && answer.result !== "pending") {
    return answer;
  }
  if (!["RUNNING", "PROVISIONING", "STAGING"].includes(vm.state)) {
    return { result: "deferred", reason: `is stopped (${oneLine(vm.state, 30)})`, deferral: "stopped" };
  }
  if (hold !== undefined) {
    return { result: "deferred", reason: holdText(hold), deferral: "held" };
  }
  if (report?.outcome === "held" && !isPastHold && (report.at !== baseline?.at || at - progress.since >= heldGrace)) {
    return { result: "deferred", reason: "held on the VM itself", deferral: "held" };
  }
  const { since, limit } = deadlineOf(progress, answer, at, options);
  const overdue = at >= hardEnd(options, state) || (!unread && at - since >= limit);
  if (!overdue) {
    return answer ?? { result: "pending", reason: null };
  }
  // A VM that says what it waits for has not failed.
  return answer?.deferral === undefined
    ? { ...answer, result: "failed", reason: overdueText(answer, reading, limit) }
    : { ...answer, result: "deferred" };
}

/** When a VM's timeout starts and how long it is. A VM that reboots has the boot timeout, from the moment it says so. */
function deadlineOf(
  { since, reported, rebootingSince }: VmProgress,
  answer: VmResult | undefined,
  at: number,
  { timeout, bootTimeout }: GateOptions,
): { since: number; limit: number } {
  if (answer?.reboots === true) return { since: rebootingSince ?? at, limit: bootTimeout };
  return { since, limit: reported ? timeout : bootTimeout };
}

function overdueText(answer: VmResult | undefined, reading: Reading, limit: number): string {
  if (answer?.reboots === true) return `did not come back from its reboot within ${formatDuration(limit)}`;
  return answer?.reason ?? silence(reading, limit);
}

/** What it means that a member has never existed yet. */
export function checkMissing(
  at: number,
  { bootTimeout }: GateOptions,
  { grownAt }: Pick<GateState, "grownAt">,
): VmResult {
  return at - grownAt < bootTimeout
    ? { result: "pending", reason: "is not there yet" }
    : {
        result: "failed",
        reason: `was not there within ${formatDuration(bootTimeout)}; it could not be created, or someone deleted it or its labels: pulumi up --refresh`,
      };
}

/** What a report says about the approval; undefined if the report is older than the approval. */
function checkReport(
  report: Report,
  { vm, reports, baseline }: VmProgress & { vm: GateVm },
  { approvals, control }: GateDecisions,
  options: GateOptions,
): VmResult | undefined {
  const { revision } = options;
  if (options.undo !== undefined) {
    return checkUndone(report, baseline, revision);
  }
  const approval = own(approvals, options.wave);
  const urgent = approval?.revision === revision && approval.urgent === true;
  if (report.approved !== revision) {
    return report.waiting?.for === "metadata" ? waiting(report.waiting.for, urgent, options) : undefined;
  }
  // After a retry was requested, an earlier failure or its undo says nothing yet.
  const stale = control.retry.includes(revision) && baseline?.at === report.at;
  // A VM that runs the revision and cannot fetch, verify or build fails to move on from it.
  const stuck = report.revision === revision && ["fetch", "verify", "build"].includes(report.stage ?? "");
  if (report.outcome === "failed" && !stuck) {
    return failed(report, stale);
  }
  // The revision runs and is healthy. Only its kernel, initrd or parameters wait for a boot: that is proof enough if the wave asks for no
  // reboot.
  const proven = runsLive(report, revision) && !options.reboot;
  if (report.waiting !== undefined && !proven) {
    return waiting(report.waiting.for, urgent, options);
  }
  if (report.outcome === "held" || report.outcome === "deferred") {
    const reason = oneLine(report.error ?? `the VM says: ${report.outcome}`, 200);
    return { result: "deferred", reason, deferral: report.outcome };
  }
  // An agent of the contract's first version does not say how it activates. It asks for a reboot only if the next boot activates the
  // update.
  const nextBoot = report.pending?.revision === revision || (report.rebootRequired && report.activation !== "live");
  if (nextBoot || (report.rebootRequired && !proven && report.revision === revision)) {
    return rebooting(report, options);
  }
  const elsewhere = report.revision !== revision;
  if (elsewhere && stale) {
    return undefined;
  }
  if (elsewhere && vm.wave !== null && overrideOf(control, vm.wave, revision) !== undefined) {
    return { result: "deferred", reason: `went back to ${short(oneLine(report.revision))}`, deferral: "undone" };
  }
  // A VM gets past the approval by following the branch, or already ran a descendant of it: then it says `unchanged`.
  if (elsewhere && vm.follow === "approved" && report.outcome !== "unchanged") {
    return { result: "failed", reason: `applied the approval, but runs ${short(oneLine(report.revision))}` };
  }
  // Each run that ends well starts the homes, which answer whether or not they move.
  const since = report.outcome === "failed" ? undefined : report.at;
  const homes = checkHomes(vm, reports?.homes ?? {}, { approval, since }, options);
  if (homes.result !== "succeeded") {
    return homes;
  }
  const notes = [
    ...(report.outcome === "failed" ? [`runs it, but since then ${failureText(report)}`] : []),
    ...(report.rebootRequired ? ["needs a reboot"] : []),
    ...(elsewhere ? ["runs what came after the approval"] : []),
    ...(homes.reason === null ? [] : [homes.reason]),
  ];
  const reason = notes.length === 0 ? null : notes.join("; ");
  return elsewhere ? { result: "succeeded", reason, deferral: "ahead" } : { result: "succeeded", reason, proof: true };
}

/** A failure that the VM retries by itself does not count until its time is up, or until the VM says that it keeps failing. */
function failed(report: Report, stale: boolean): VmResult {
  const reason = failureText(report);
  if (stale) return { result: "pending", reason };
  if (report.failing !== undefined) return { result: "failed", reason, transient: reason };
  return report.transient === true
    ? { result: "pending", reason: `tries again: ${reason}`, transient: reason }
    : { result: "failed", reason };
}

/**
 * The gate does not wait for windows, nor for a reboot that only a person starts. An urgent approval ignores the window: a VM that still
 * names the window wrote that report before the revision became urgent.
 */
function waiting(what: WaitingFor, urgent: boolean, { reboot }: GateOptions): VmResult {
  const open = what === "window" ? urgent : what !== "reboot" || reboot;
  return { result: open ? "pending" : "deferred", reason: waitsFor(what), deferral: what };
}

function runsLive({ revision, activation, outcome, rebootRequired }: Report, wanted: string): boolean {
  return revision === wanted && activation === "live" && rebootRequired && isCurrent(outcome);
}

/**
 * The VM needs a reboot and waits for nothing: if its wave reboots by itself, the reboot is coming. Agents in bash do not say what they
 * wait for.
 */
function rebooting({ activation }: Report, options: GateOptions): VmResult {
  return options.reboot && activation !== undefined
    ? { result: "pending", reason: "reboots", reboots: true }
    : waiting("reboot", false, options);
}

/** What a report says about an approval that was rolled back; undefined if the report is older than that. */
function checkUndone(report: Report, baseline: Report | null, bad: string): VmResult | undefined {
  // A VM that has not yet acted on the approval may still do so; its earlier report says nothing yet.
  const stale = report.at === baseline?.at;
  if (report.approved !== bad || (stale && report.revision === bad)) {
    return undefined;
  }
  if (report.outcome === "failed") {
    return { result: stale ? "pending" : "failed", reason: failureText(report) };
  }
  if (report.outcome === "held" || report.outcome === "deferred") {
    const reason = oneLine(report.error ?? `the VM says: ${report.outcome}`, 200);
    return stale ? undefined : { result: "deferred", reason, deferral: report.outcome };
  }
  return report.revision === bad
    ? undefined
    : { result: "succeeded", reason: report.rebootRequired ? "needs a reboot" : null, proof: true };
}

function silence(reading: Reading, limit: number): string {
  if (reading.kind === "invalid") {
    return reading.problem;
  }
  return reading.kind === "none"
    ? `did not report within ${formatDuration(limit)} of its start`
    : `did not answer within ${formatDuration(limit)}`;
}
