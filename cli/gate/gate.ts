/**
 * The gate's decisions, all pure: what it knows of a wave after one more look, and when the wave has passed or failed.
 * `await.ts` observes the fleet again and again and feeds what it saw to `step`; `judge.ts` says what it means for one VM.
 */
import { short } from "../../rules/contract";
import { allowedFailures } from "./budget";
import { wantedBy } from "../control-item";
import type { Decisions, FleetVm } from "../fleet";
import { judge } from "./judge";
import type { GateOptions, GateState, Observation, VmProgress } from "./state";
import { reportOf, type VmReports } from "../reports";
import { holdText } from "../status/status";

/** Whether the gate is decided; `reason` says why it failed, `stopped` that this was not its VMs' doing. */
export type Verdict =
  { outcome: "open" } | { outcome: "passed" } | { outcome: "failed"; reason: string; stopped: boolean };

/** An approval that differs from the gate's for longer than these seconds has been replaced by somebody. */
const supersededAfter = 15;

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
  const stop =
    (options.undo === undefined ? (undone(decisions, options) ?? halted(decisions, vms, options)) : undefined) ??
    (superseded ? supersededText(approved, options) : undefined);
  return { vms: new Map(vms), supersededSince, stop };
}

/** Whether the gate is decided, and how. */
export function decide({ vms, stop }: GateState, { maxFailures }: GateOptions): Verdict {
  if (stop !== undefined) {
    return { outcome: "failed", reason: stop, stopped: true };
  }
  const all = [...vms.values()];
  const failed = all.filter(({ result }) => result === "failed").length;
  const allowed = allowedFailures(maxFailures, all.length);
  if (failed > allowed) {
    const reason = `${failed} of ${all.length} failed, ${allowed === 0 ? "none" : allowed} may`;
    return { outcome: "failed", reason, stopped: false };
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

/** A person who holds the wave as a whole stops its rollout too, unless its VMs were through before. */
function halted(
  { control }: Decisions,
  vms: readonly (readonly [string, VmProgress])[],
  { wave, revision }: GateOptions,
): string | undefined {
  const hold = control.holds.find((one) => one.revision === undefined && [`wave:${wave}`, "fleet"].includes(one.scope));
  if (hold === undefined || !vms.some(([, { result, reason }]) => result === "deferred" && reason === holdText(hold))) {
    return undefined;
  }
  return `${holdText(hold)}; after resume, pulumi up goes on with ${short(revision)}`;
}

function supersededText(approved: string | undefined, { wave, revision }: GateOptions): string {
  return approved === undefined
    ? `wave ${wave} is not approved for ${short(revision)}`
    : `wave ${wave} is approved for ${short(approved)} by now, not for ${short(revision)}`;
}
