/**
 * The gate's decisions, all pure: what the gate knows of a wave after one more observation, and when the wave has passed or failed.
 * `vm-result.ts` says what an observation means for one VM.
 */
import { short } from "../contract";
import { holdOfWave, overrideOf } from "../rollout/control-item";
import { own } from "../text/json";
import { holdText } from "../text/sentences";
import { oneLine } from "../text/text";
import { allowedFailures } from "./budget";
import { isProven, proofsNeeded, stayText, unprovedText } from "./proof";
import { reportOf, type VmReports } from "../report-reading";
import {
  type GateDecisions,
  type GateOptions,
  type GateState,
  type GateVm,
  type Observation,
  type VmProgress,
  type VmResult,
} from "./state";
import { checkMissing, checkVm } from "./vm-result";

/**
 * The gate's verdict. `unproved`: nothing failed, but too few VMs proved the revision for later waves to get it, or, in an undo, VMs keep
 * the revision until a person does something. `stopped`: the gate
 * failed, but not because of its VMs.
 */
export type Verdict =
  | { outcome: "open" }
  /** `warning`: no VM of this wave has proved what later waves get. */
  | { outcome: "passed"; warning?: string }
  | { outcome: "unproved"; reason: string }
  | { outcome: "failed"; reason: string; stopped: boolean };

/** An approval that differs from the gate's for longer than these seconds counts as replaced. */
const supersededAfter = 15;

/** A transient failure gets these seconds. After that, the gate ends if every VM that answered has the same failure. */
const transientGrace = 120;

/** What the gate knows after one more observation. */
export function step(before: GateState, observation: Observation, options: GateOptions): GateState {
  const { at, decisions } = observation;
  const approved = own(decisions.approvals, options.wave)?.revision;
  const grown = observation.fleetSize > before.fleetSize;
  const known = {
    fleetSize: Math.max(before.fleetSize, observation.fleetSize),
    grownAt: grown && before.fleetSize >= 0 ? at : before.grownAt,
  };
  const there = new Map(observation.vms.map((seen) => [seen.vm.name, seen]));
  const names = options.members ?? [...there.keys()];
  const gone = new Set(
    [...before.gone, ...before.vms.keys()].filter((name) => wasThere(before, name) && !there.has(name)),
  );
  const vms = names
    .filter((name) => !gone.has(name))
    .map((name) => {
      const seen = there.get(name);
      const progress = updated(name, before.vms.get(name), seen?.vm, seen?.reports, at);
      const { vm } = progress;
      const result: VmResult =
        vm === undefined
          ? checkMissing(at, options, known)
          : // Without a current answer, only the timeouts decide.
            checkVm({ ...progress, vm }, seen?.reports === undefined, decisions, at, options, known);
      return [name, withResult(progress, result, at)] as const;
    });
  const supersededSince = approved === options.revision ? undefined : (before.supersededSince ?? at);
  const superseded = supersededSince !== undefined && at - supersededSince >= supersededAfter;
  const decided =
    options.undo === undefined ? (undone(decisions, options) ?? halted(decisions, vms, options)) : undefined;
  const isFirst = before.fleetSize < 0;
  const unwritten = decided === undefined && supersededSince !== undefined && (isFirst || before.unwritten);
  const stop = decided ?? (superseded ? supersededText(approved, unwritten, options) : undefined);
  return { ...known, at, vms: new Map(vms), gone, supersededSince, stop, unwritten };
}

function wasThere({ vms, gone }: GateState, name: string): boolean {
  return gone.has(name) || vms.get(name)?.vm !== undefined;
}

/** Whether the gate has a verdict, and which. */
export function decide(state: GateState, options: GateOptions): Verdict {
  const { vms, stop } = state;
  if (stop !== undefined) {
    return { outcome: "failed", reason: stop, stopped: true };
  }
  const all = [...vms.values()];
  const failed = all.filter(({ result }) => result === "failed").length;
  const allowed = allowedFailures(options.maxFailures, all.length);
  if (failed > allowed) {
    const reason = `${failed} of ${all.length} failed, ${allowed === 0 ? "none" : allowed} may`;
    return { outcome: "failed", reason, stopped: false };
  }
  const early = sameTransientFailure(state, allowed);
  if (early !== undefined) {
    return { outcome: "failed", reason: early, stopped: false };
  }
  if (all.some(({ result }) => result === "pending")) {
    return { outcome: "open" };
  }
  const stays = options.undo === undefined ? undefined : stayText(all, options);
  if (stays !== undefined) return { outcome: "unproved", reason: stays };
  if (proofsNeeded(options) === 0) {
    const warn = options.laterWaves.length > 0 && !options.passedBefore && !isProven(all, 1);
    return warn ? { outcome: "passed", warning: unprovedText(state, options) } : { outcome: "passed" };
  }
  return isProven(all, proofsNeeded(options))
    ? { outcome: "passed" }
    : { outcome: "unproved", reason: unprovedText(state, options) };
}

/**
 * Every VM that has answered reports the same failure, and its first retries have not helped. Waiting for the other VMs would only take
 * longer. A VM's first update has its whole time.
 */
function sameTransientFailure({ at, vms }: GateState, allowed: number): string | undefined {
  const answered = [...vms.values()].filter(
    ({ result, transient }) => result === "succeeded" || transient !== undefined,
  );
  const failing = answered.filter(({ transient }) => transient !== undefined);
  const [first] = failing;
  const since = Math.max(...failing.map(({ transientSince }) => transientSince ?? at));
  if (first === undefined || failing.length <= allowed || failing.length < answered.length) return undefined;
  if (failing.some(isFirstUpdate)) return undefined;
  if (at - since < transientGrace || failing.some((one) => signature(one) !== signature(first))) return undefined;
  return oneLine(
    `all ${failing.length} that answered say the same, and try again by themselves: ${first.transient ?? ""}`,
    300,
  );
}

/**
 * Whether the VM has no system from the config repository yet. Its account and its right to read a deploy key may be minutes old, and IAM
 * takes that long to spread them: then all VMs of a new fleet fail alike, and succeed a little later.
 */
function isFirstUpdate({ reports }: VmProgress): boolean {
  return reportOf(reports?.system)?.revision === "";
}

/** A failure's text without what differs from VM to VM, such as addresses, store paths and times. */
function signature({ name, transient = "" }: VmProgress): string {
  return transient
    .replace(new RegExp(`(?<![\\w-])${name}(?![\\w-])`, "g"), "VM")
    .replace(/\/nix\/store\/[^\s'"]+/g, "PATH")
    .replace(/[0-9a-f]{7,}|\d+/g, "N");
}

/** The VM's progress before it is checked again. */
function updated(
  name: string,
  before: VmProgress | undefined,
  vm: GateVm | undefined,
  reports: VmReports | undefined,
  at: number,
): VmProgress {
  const reported = reports !== undefined && reports.system.kind !== "none";
  if (before === undefined) {
    const baseline = reportOf(reports?.system);
    const times = { since: at, changedAt: at, transientSince: undefined, rebootingSince: undefined };
    return { name, vm, result: "pending", reason: null, reports, baseline, reported, ...times };
  }
  const arrived = vm !== undefined && before.vm === undefined;
  const started = vm?.state === "RUNNING" && before.vm?.state !== "RUNNING";
  const firstReport = reported && !before.reported;
  return {
    ...before,
    vm,
    reports: reports ?? before.reports,
    // If the first attempt to ask failed, the first answer is the baseline.
    baseline: before.reports === undefined ? reportOf(reports?.system) : before.baseline,
    since: arrived || started || firstReport ? at : before.since,
    reported: reported || before.reported,
  };
}

/** Applies what this observation means; the last result is replaced completely. */
function withResult(progress: VmProgress, found: VmResult, at: number): VmProgress {
  const { name, vm, reports, baseline, since, reported } = progress;
  const goesOn = found.transient !== undefined && found.transient === progress.transient;
  return {
    ...{ name, vm, reports, baseline, since, reported },
    ...found,
    changedAt: found.result === progress.result ? progress.changedAt : at,
    transientSince: found.transient === undefined ? undefined : goesOn ? (progress.transientSince ?? at) : at,
    rebootingSince: found.reboots === true ? (progress.rebootingSince ?? at) : undefined,
  };
}

/** The wave in which the revision was rolled back, this one or one before it, and what runs there instead. */
export function undoneWave(
  { control }: Pick<GateDecisions, "control">,
  { wave, revision, laterWaves }: Pick<GateOptions, "wave" | "revision" | "laterWaves">,
): { wave: string; good: string } | undefined {
  const others = Object.keys(control.instead).filter((other) => !laterWaves.includes(other));
  const undoneIn = [wave, ...others].flatMap((one) => {
    const good = overrideOf(control, one, revision);
    return good === undefined ? [] : [{ wave: one, good }];
  });
  return undoneIn[0];
}

/**
 * Why the revision cannot pass whatever its VMs answer: it was rolled back in this wave or in one before it, or a gate holds it here. An undo
 * in a later wave says nothing against this one.
 */
export function undone(
  { control }: Pick<GateDecisions, "control">,
  { wave, revision, laterWaves }: Pick<GateOptions, "wave" | "revision" | "laterWaves">,
): string | undefined {
  const retry = `fleet retry ${revision} tries it again`;
  const undoneIn = undoneWave({ control }, { wave, revision, laterWaves })?.wave;
  if (undoneIn !== undefined) {
    return oneLine(`${short(revision)} was rolled back in wave ${undoneIn}; ${retry}`);
  }
  const hold = holdOfWave(control, wave, revision);
  return hold === undefined ? undefined : `${holdText(hold)}; ${retry}`;
}

/** A person's hold on the whole wave also stops its rollout, unless its VMs had passed before. */
function halted(
  { control }: GateDecisions,
  vms: readonly (readonly [string, VmProgress])[],
  { wave, revision }: GateOptions,
): string | undefined {
  const hold = holdOfWave(control, wave);
  if (hold === undefined || !vms.some(([, { deferral, reason }]) => deferral === "held" && reason === holdText(hold))) {
    return undefined;
  }
  return `${holdText(hold)}; after resume, pulumi up goes on with ${short(revision)}`;
}

function supersededText(approved: string | undefined, unwritten: boolean, { wave, revision }: GateOptions): string {
  const not = unwritten ? "not for" : "by now, not for";
  const present =
    approved === undefined
      ? `wave ${wave} is not approved for ${short(revision)}`
      : `wave ${wave} is approved for ${short(approved)}${unwritten ? "," : ""} ${not} ${short(revision)}`;
  return unwritten
    ? `${present}: if no other pulumi up runs, an earlier one could not write the approval; run pulumi refresh, then pulumi up`
    : present;
}
