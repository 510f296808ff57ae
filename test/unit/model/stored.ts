/** What the stored numbers mean to the rules, and back: revisions, names, the control item, reports. */
import type { Control } from "../../../rules/rollout/control-item";
import type { Report } from "../../../rules/report";
import { F, FIX, get, Outcome, vmGet, type State } from "./state";

const DIGITS = "0123";
export const WAVES = ["canary", "rest"] as const;
const VM_NAMES = ["a", "b", "c"] as const;
export const lock = "0".repeat(64);
export const repository = "https://x/y";

/** Revisions as the rules know them. */
export const revisionOf = (number: number) => (DIGITS[number] ?? "0").repeat(40);
export const named = (stored: number) => (stored === 0 ? undefined : revisionOf(stored - 1));
export const numberOf = (revision: string | undefined) => (revision === undefined ? 0 : Number(revision[0]) + 1);
export const branchName = (branch: number) => (branch === 0 ? "main" : "next");
export const hostName = (vm: number, host: number) => `${VM_NAMES[vm] ?? "?"}${host === 0 ? "" : "-new"}`;
export const vmName = (vm: number) => VM_NAMES[vm] ?? "?";
export const waveName = (wave: number) => WAVES[wave] ?? "?";

/** The control item that a state stores. */
export function controlOf(state: State): Control {
  const bits = get(state, F.holds);
  const person = { by: "eve", why: "demo", at: "2026-01-01T00:00:00Z" };
  const scopes = ["fleet", "wave:rest", "vm:a"].filter((_, bit) => (bits & (1 << bit)) !== 0);
  const halts = [get(state, F.haltCanary), get(state, F.haltRest)].flatMap((stored, wave) => {
    const revision = named(stored);
    return revision === undefined ? [] : [{ scope: `wave:${waveName(wave)}`, revision, ...person }];
  });
  const undone = [get(state, F.undoCanary), get(state, F.undoRest)].flatMap((stored, wave) => {
    const bad = named(stored);
    return bad === undefined ? [] : [[waveName(wave), { [bad]: "previous" }] as const];
  });
  const pin = named(get(state, F.pin1));
  const retry = named(get(state, F.retry));
  return {
    holds: [...scopes.map((scope) => ({ scope, ...person })), ...halts],
    pins: pin === undefined ? {} : { b: pin },
    instead: Object.fromEntries(undone),
    retry: retry === undefined ? [] : [retry],
  };
}

/** A VM's last report, as a gate reads it at its first look or later. */
export function reportOf(state: State, vm: number, first: boolean): Report {
  const outcome = vmGet(state, vm, "outcome");
  const approved = named(vmGet(state, vm, "approved"));
  const waiting = outcome === Outcome.window ? "window" : outcome === Outcome.metadata ? "metadata" : undefined;
  return {
    revision: named(vmGet(state, vm, "deployed")) ?? "",
    ...(approved === undefined ? {} : { approved }),
    ...{ lock, toplevel: "/nix/store/x", rolledBack: false, rebootRequired: false, agent: "1", bootedAt: "1" },
    outcome: wordOf[outcome] ?? "deferred",
    ...(outcome === Outcome.failed || outcome === Outcome.transient ? { stage: "build", error: "no" } : {}),
    ...(outcome === Outcome.transient ? { transient: true } : {}),
    ...(waiting === undefined ? {} : { waiting: { for: waiting } }),
    at: !first && vmGet(state, vm, "fresh") === 1 ? "2" : "1",
  };
}

/** A control item as the state stores it, from `holds` to `retry`. */
export function controlBytes({ holds, pins, instead, retry }: Control): Uint8Array {
  const bits = ["fleet", "wave:rest", "vm:a"].reduce(
    (sum, scope, bit) =>
      holds.some((one) => one.revision === undefined && one.scope === scope) ? sum | (1 << bit) : sum,
    0,
  );
  const halts = WAVES.map((wave) =>
    numberOf(holds.find((one) => one.revision && one.scope === `wave:${wave}`)?.revision),
  );
  const undone = WAVES.map((wave) => numberOf(Object.keys(instead[wave] ?? {})[0]));
  return Uint8Array.from([bits, ...halts, ...undone, numberOf(pins["b"]), numberOf(retry.at(-1))]);
}

const wordOf: Record<number, Report["outcome"]> = {
  [Outcome.none]: "deferred",
  [Outcome.unchanged]: "unchanged",
  [Outcome.updated]: "updated",
  [Outcome.held]: "held",
  [Outcome.deferred]: "deferred",
  [Outcome.failed]: "failed",
  [Outcome.transient]: "failed",
  [Outcome.window]: "deferred",
  [Outcome.metadata]: "deferred",
};

export function outcomeOf(outcome: Report["outcome"], waiting: string | undefined, transient: boolean): number {
  if (waiting === "metadata") return Outcome.metadata;
  if (outcome === "failed") return transient ? Outcome.transient : Outcome.failed;
  return Outcome[outcome];
}

/** Whether a revision descends from another, or is it. FIX is pushed on top of everything. */
export function isDescendant(state: State, revision: number, ancestor: number): boolean {
  if (revision === FIX || ancestor === 0 || revision === ancestor) return true;
  return revision === 2 && get(state, F.parent2) === ancestor;
}

/** The head of the branch that a VM's metadata name. */
export function headFor(state: State, vm: number): number {
  return vmGet(state, vm, "branch") === get(state, F.branch) ? get(state, F.head) : get(state, F.headMain);
}

/** Whether a branch contains a revision, or what the VM ran before does: a forced push takes it off its branch. */
export function canFetch(state: State, vm: number, revision: number): boolean {
  const heads = [get(state, F.head), get(state, F.headMain)];
  const own = [vmGet(state, vm, "deployed"), vmGet(state, vm, "previous")].filter((stored) => stored !== 0);
  return [...heads, ...own.map((stored) => stored - 1)].some((tip) => isDescendant(state, tip, revision));
}
