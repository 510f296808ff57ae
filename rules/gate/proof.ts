/** Proof: whether enough VMs of a wave run the approved revision without problems, so that later waves may get it. Pure. */
import { short } from "../contract";
import type { WaitingFor } from "../report";
import { reportOf } from "../report-reading";
import { own } from "../text/json";
import { waitsFor } from "../text/sentences";
import { firstOf, oneLine } from "../text/text";
import type { Deferral, GateOptions, GateState, VmProgress } from "./state";

/** How many VMs must have proved the revision; zero if no wave comes after, or if the wave has passed it before. */
export function proofsNeeded({ laterWaves, minSucceeded, passedBefore, undo }: GateOptions): number {
  return laterWaves.length === 0 || passedBefore || undo !== undefined ? 0 : minSucceeded;
}

export function isProven(vms: readonly VmProgress[], needed: number): boolean {
  return vms.filter(({ proof }) => proof === true).length >= needed;
}

/** `nothing proved a1b2c3d: 1 stopped, 1 waits for its window`. */
export function unprovedText({ vms, gone }: GateState, { revision, minSucceeded }: GateOptions): string {
  const all = [...vms.values()];
  const proofs = all.filter(({ proof }) => proof === true).length;
  const counts = new Map<string, number>();
  for (const vm of all) {
    if (vm.proof !== true) counts.set(kindOf(vm), (counts.get(kindOf(vm)) ?? 0) + 1);
  }
  if (gone.size > 0) counts.set("deleted", gone.size);
  const others = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
  const what =
    proofs === 0 ? `nothing proved ${short(revision)}` : `only ${proofs} of ${minSucceeded} proved ${short(revision)}`;
  return `${what}: ${others === "" ? "there is no VM" : others}`;
}

/**
 * The VMs that an undo does not reach: they run the revision, and they are held or say that they have nowhere to go. Undefined if there is
 * none. A VM that is stopped, or that waits for something that comes, leaves the revision by itself.
 */
export function stayText(vms: readonly VmProgress[], { revision }: Pick<GateOptions, "revision">): string | undefined {
  const staying = vms.filter(({ deferral, reports }) => {
    const report = reportOf(reports?.system);
    const waits = deferral === "deferred" && report?.waiting !== undefined;
    return (deferral === "held" || deferral === "deferred") && !waits && report?.revision === revision;
  });
  const names = staying.map(({ name, deferral, reason }) => {
    const how = deferral === "held" ? "; it goes back after fleet resume" : "";
    return `${name} (${reason ?? "held"}${how})`;
  });
  return staying.length === 0 ? undefined : oneLine(`${firstOf(names)} still at ${short(revision)}`, 600);
}

const texts: Record<Exclude<Deferral, WaitingFor>, string> = {
  stopped: "stopped",
  held: "held",
  pinned: "pinned",
  deferred: "deferred",
  undone: "went back",
  ahead: "past it",
};

function kindOf({ result, deferral }: VmProgress): string {
  return deferral === undefined ? result : (own(texts, deferral) ?? waitsFor(deferral));
}
