/** The open rollout, wave by wave, from the approvals, the control item, the VMs' reports and the gates' entries in the history. Pure. */
import { holdsOn, overrideOf } from "../../../rules/rollout/control-item";
import { runsRevision } from "../../../rules/report";
import { own } from "../../../rules/text/json";
import type { HistoryEntry } from "../../history-entry";
import type { FleetStatus, VmStatus } from "../../status/status";
import type { PageDocument } from "../document";
import { revisionLabel } from "./text";
import { plural } from "../../../rules/text/text";

export type WaveState = "passed" | "running" | "failed" | "held" | "undone" | "unproved" | "interrupted" | "waiting";

export const waveWord: Record<WaveState, string> = {
  passed: "passed",
  running: "in progress",
  failed: "failed",
  held: "held",
  undone: "rolled back",
  unproved: "not proved",
  interrupted: "gate interrupted",
  waiting: "not approved yet",
};

export interface WaveView {
  name: string;
  state: WaveState;
  /** What it is approved for; empty if for nothing. */
  revision: string;
  total: number;
  /** VMs that run the rollout's revision. */
  done: number;
  /** VMs that failed under it. */
  failed: number;
  /** `0 of at most 1 failed`; empty if the history does not say. */
  budget: string;
  /** `proved by 2 VMs, 1 needed`; empty if no wave comes after it, or the history does not say. */
  proof: string;
  /** What is being waited for, a VM each with the reason. */
  pending: { vm: string; why: string }[];
  /** Why the wave is as it is; empty if there is nothing to say. */
  why: string;
}

export interface RolloutView {
  /** Whether waves still differ, or one of them has not passed. */
  open: boolean;
  revision: string;
  /** The same in full. */
  full: string;
  urgent: string | null;
  waves: WaveView[];
}

/** The rollout that is open, or the one that was last; null if nothing is approved. */
export function rolloutView({ status, history }: Pick<PageDocument, "status" | "history">): RolloutView | null {
  const gates = history.filter(({ event }) => event === "gate");
  const names = waveOrder(status, gates);
  const target = names.map((name) => own(status.approvals, name)).find((revision) => revision !== undefined);
  if (target === undefined) return null;
  const waves = names.map((name) => waveView(name, target, status, gates));
  const urgent = Object.entries(status.urgent).find(([wave]) => own(status.approvals, wave) === target);
  return {
    open: waves.some(({ state }) => state !== "passed"),
    revision: revisionLabel(target),
    full: target,
    urgent: urgent === undefined ? null : (urgent[1] ?? "no reason given"),
    waves,
  };
}

/** The waves in the order of approval, as the newest gate that names the most of them says it; without one, as they were read. */
export function waveOrder({ approvals, vms }: FleetStatus, gates: readonly HistoryEntry[]): string[] {
  const present = [...new Set([...Object.keys(approvals), ...vms.flatMap(({ wave }) => wave ?? [])])];
  const chains = gates.map((gate) => [waveOf(gate), ...(gate.gate?.laterWaves ?? [])]);
  const [longest = []] = [...chains].sort((a, b) => b.length - a.length);
  const known = longest.filter((name) => present.includes(name));
  return [...known, ...present.filter((name) => !known.includes(name))];
}

function waveOf({ scope }: HistoryEntry): string {
  return scope.replace(/^wave:/, "");
}

function waveView(name: string, target: string, status: FleetStatus, gates: readonly HistoryEntry[]): WaveView {
  const approved = own(status.approvals, name);
  const members = status.vms.filter(({ wave }) => wave === name);
  // Newest first, and the end of a gate is newer than its start.
  const about = gates.filter((gate) => waveOf(gate) === name && gate.revision === target);
  const rules = about.find(({ gate }) => gate !== undefined)?.gate;
  const failed = members.filter((vm) => vm.drift === "failed").length;
  const done = members.filter((vm) => runsRevision(vm.system, target) && vm.drift !== "failed");
  const state = waveState(name, approved === target, status, about[0], done.length === members.length);
  const pending =
    state === "running" || state === "unproved" || state === "interrupted" ? pendingOf(members, target) : [];
  const proved = done.filter(({ system }) => system?.approved === target).length;
  return {
    name,
    state,
    revision: approved === undefined ? "" : revisionLabel(approved),
    total: members.length,
    done: done.length,
    failed,
    budget: rules === undefined ? "" : `${failed} failed, ${budgetText(rules.maxFailures)}`,
    proof:
      rules === undefined || rules.laterWaves.length === 0
        ? ""
        : `proved by ${plural(proved, "VM")}, ${rules.minSucceeded} needed`,
    pending,
    why: whyOf(name, state, status, about[0]),
  };
}

function budgetText(maxFailures: string): string {
  return maxFailures === "0" ? "none may fail" : `at most ${maxFailures} may fail`;
}

function waveState(
  name: string,
  approved: boolean,
  { approvals, control }: FleetStatus,
  last: HistoryEntry | undefined,
  complete: boolean,
): WaveState {
  if (!approved) return "waiting";
  const revision = own(approvals, name);
  if (revision !== undefined && overrideOf(control, name, revision) !== undefined) return "undone";
  if (last?.outcome === "failed" || last?.outcome === "passed") return last.outcome;
  if (last === undefined && complete) return "passed";
  // A hold after the wave has passed keeps it where it is, and the rollout has ended.
  if (holdsOn(control, { name: "", wave: name }, revision).length > 0) return "held";
  return last === undefined || last.outcome === "started" || last.outcome === "done" ? "running" : last.outcome;
}

function pendingOf(vms: readonly VmStatus[], target: string): WaveView["pending"] {
  return vms
    .filter(({ system, drift }) => drift !== "stopped" && (!runsRevision(system, target) || drift === "failed"))
    .map(({ name, reason, next }) => ({ vm: name, why: reason ?? next.text }));
}

function whyOf(
  name: string,
  state: WaveState,
  { control, approvals }: FleetStatus,
  last: HistoryEntry | undefined,
): string {
  if (state === "held" || state === "failed") {
    const hold = holdsOn(control, { name: "", wave: name }, own(approvals, name))[0];
    return hold === undefined ? (last?.why ?? "") : `held by ${hold.by}: ${hold.why}`;
  }
  if (state === "undone") return last?.why ?? "its VMs run what they ran before";
  return state === "passed" || state === "running" ? "" : (last?.why ?? "");
}
