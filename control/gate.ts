/**
 * The gate's decisions, all pure: what a VM's report means for an approval, when a VM is given up, and when a wave has passed.
 * `await.ts` observes the fleet again and again and feeds what it saw to `step`.
 */
import { short, type Report } from "../contracts";
import { allowedFailures, type Budget } from "./budget";
import { holdOn, wantedBy } from "./control-item";
import { formatDuration } from "./duration";
import type { Decisions, FleetVm } from "./fleet";
import { judgeHomes } from "./gate-homes";
import { reportOf, type Reading, type VmReports } from "./reports";
import { failureOf, holdText } from "./status";
import { oneLine } from "./text";

/** What a gate waits for, and for how long. Times in seconds. */
export interface GateOptions {
  wave: string;
  /** The approved revision, in full. */
  revision: string;
  maxFailures: Budget;
  /** For a VM that has reported before. */
  timeout: number;
  /** Until a VM's first report ever. */
  bootTimeout: number;
  /** Whether a home's failure counts as its VM's. */
  homes: "gate" | "report";
}

export type Result = "pending" | "succeeded" | "failed" | "deferred";

/** What the gate saw at one moment. */
export interface Observation {
  /** Seconds since the gate started. */
  at: number;
  decisions: Decisions;
  /** The wave's VMs; without reports where a VM could not be asked just now. */
  vms: { vm: FleetVm; reports?: VmReports | undefined }[];
}

/** What the gate knows of a VM. */
export interface VmProgress {
  vm: FleetVm;
  result: Result;
  /** In one line; null where there is nothing to say. */
  reason: string | null;
  reports: VmReports | undefined;
  /** The VM's report when the gate first saw it. */
  baseline: Report | null;
  /** When, in seconds since the gate's start, the VM was first expected to answer. */
  since: number;
  /** Whether it had ever reported. */
  reported: boolean;
  /** When its result last changed, in seconds since the gate's start. */
  changedAt: number;
}

/** What the gate knows. */
export interface GateState {
  vms: ReadonlyMap<string, VmProgress>;
  /** Since when, in seconds, the wave has been approved for something else. */
  supersededSince: number | undefined;
  /** Set when the gate has to fail whatever its VMs say. */
  stop: string | undefined;
}

/** Whether the gate is decided; `reason` says why it failed. */
export type Verdict = { outcome: "open" } | { outcome: "passed" } | { outcome: "failed"; reason: string };

export const noProgress: GateState = { vms: new Map(), supersededSince: undefined, stop: undefined };

/** An approval that differs from the gate's for longer than these seconds has been replaced by somebody. */
const supersededAfter = 15;
/** A VM that said `held` before the gate began gets these seconds to say something newer. */
const heldGrace = 30;

/** When the gate ends at the latest, in seconds since its start. */
export function hardEnd({ timeout, bootTimeout }: GateOptions): number {
  return timeout + bootTimeout;
}

/** What the gate knows after one more observation. VMs that are gone are forgotten. */
export function step(state: GateState, observation: Observation, options: GateOptions): GateState {
  const { at, decisions } = observation;
  const approved = decisions.approvals[options.wave]?.revision;
  const supersededSince = approved === options.revision ? undefined : (state.supersededSince ?? at);
  const vms = observation.vms.map(({ vm, reports }) => {
    const progress = updated(state.vms.get(vm.name), vm, reports, at);
    // Without an answer just now only the end of all waiting decides.
    const verdict = judge(progress, reports === undefined, decisions, at, options);
    const changedAt = verdict.result === progress.result ? progress.changedAt : at;
    return [vm.name, { ...progress, ...verdict, changedAt }] as const;
  });
  const superseded = supersededSince !== undefined && at - supersededSince >= supersededAfter;
  const stop = undone(decisions, options) ?? (superseded ? supersededText(approved, options) : undefined);
  return { vms: new Map(vms), supersededSince, stop };
}

/** Whether the gate is decided, and how. */
export function decide({ vms, stop }: GateState, { maxFailures }: GateOptions): Verdict {
  if (stop !== undefined) {
    return { outcome: "failed", reason: stop };
  }
  const all = [...vms.values()];
  const failed = all.filter(({ result }) => result === "failed").length;
  const allowed = allowedFailures(maxFailures, all.length);
  if (failed > allowed) {
    return { outcome: "failed", reason: `${failed} of ${all.length} failed, ${allowed === 0 ? "none" : allowed} may` };
  }
  return { outcome: all.some(({ result }) => result === "pending") ? "open" : "passed" };
}

/** The VM's progress before it is judged anew. */
function updated(before: VmProgress | undefined, vm: FleetVm, reports: VmReports | undefined, at: number): VmProgress {
  const reported = reports !== undefined && reports.system.kind !== "none";
  if (before === undefined) {
    const baseline = reportOf(reports?.system);
    return { vm, result: "pending", reason: null, reports, baseline, since: at, reported, changedAt: at };
  }
  const started = vm.state === "RUNNING" && before.vm.state !== "RUNNING";
  const firstReport = reported && !before.reported;
  return {
    ...before,
    vm,
    reports: reports ?? before.reports,
    // Where the first attempt to ask failed, the first answer is the baseline.
    baseline: before.reports === undefined ? reportOf(reports?.system) : before.baseline,
    since: started || firstReport ? at : before.since,
    reported: reported || before.reported,
  };
}

type Judgement = Pick<VmProgress, "result" | "reason">;

/** What a VM's last report, its state and what is held mean. */
function judge(
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
  if (pin !== undefined && pin !== options.revision) {
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
  const pinned = control.pins[vm.name] === revision && report.revision === revision;
  if (report.approved !== revision && !pinned) {
    return undefined;
  }
  // Where a retry was asked for, what stood there before it (a failure, or its undo) says nothing yet.
  const stale = control.retry.includes(revision) && baseline?.at === report.at;
  // Running the revision and unable to fetch, verify or build is a failure to move on from it.
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

function silence(reading: Reading, limit: number): string {
  if (reading.kind === "invalid") {
    return reading.problem;
  }
  return reading.kind === "none"
    ? `did not report within ${formatDuration(limit)} of its start`
    : `did not answer within ${formatDuration(limit)}`;
}

/** Why the revision cannot pass however its VMs answer: a gate before held or undid it here. */
function undone({ control }: Decisions, { wave, revision }: GateOptions): string | undefined {
  const retry = `./scripts/fleet retry ${revision} tries it again`;
  const good = wantedBy({ ...control, pins: {} }, { name: "", wave }, revision);
  if (good !== revision) {
    return `${short(revision)} was undone in wave ${wave}; ${retry}`;
  }
  const hold = control.holds.find((one) => one.revision === revision && [`wave:${wave}`, "fleet"].includes(one.scope));
  return hold === undefined ? undefined : `${holdText(hold)}; ${retry}`;
}

function supersededText(approved: string | undefined, { wave, revision }: GateOptions): string {
  return approved === undefined
    ? `wave ${wave} is not approved for ${short(revision)}`
    : `wave ${wave} is approved for ${short(approved)} by now, not for ${short(revision)}`;
}
