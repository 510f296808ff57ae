/** What every fault says of itself, and what is done with each. */
import { expect } from "vitest";
import type { Outcome, Stage } from "../../rules/contract";
import { expectComplete, expectRuns } from "./expect-generation";
import type { Facts } from "./facts";
import type { Flaw } from "./source";
import type { Lease } from "./vm-pool";

export interface Verdict {
  outcome: Outcome;
  stage?: Stage;
  rolledBack?: boolean;
}

export interface Fault {
  name: string;
  /** What is pushed before the update that meets the fault; a good revision, unless it says otherwise. */
  flaw?: Flaw;
  /** Does the damage, after the push; answers what takes it away again where that is more than a later revision. */
  inject?: (lease: Lease) => Promise<(() => unknown) | undefined>;
  /** Reports that are right while the fault lasts. None: no report can leave the VM, the one before stays. */
  reports: Verdict[];
  /** The fault is overcome in the same run: the pushed revision runs. */
  overcome?: boolean;
  /** Once it is taken away the VM catches up with no one asking. */
  recovery?: "automatic";
  /** Nothing but an answer is missing, for which no unit may count as failed. */
  offline?: true;
  /** What it leaves goes with a power-off only, after which the VM has its earlier disk. */
  leaves?: "power-off";
}

/**
 * One try: the VM meets the fault, keeps running a complete generation, reports the fault, and takes the next good revision. Where it got over
 * the fault by itself, that was one already; what its next revision is, is the next fault's or the end's to say.
 */
export async function runFault(lease: Lease, fault: Fault): Promise<void> {
  const { vm, source } = lease;
  const before = { facts: await vm.facts(), report: vm.report() };
  await source.commit(fault.flaw);
  const undo = await fault.inject?.(lease);
  await vm.update();
  const during = await betweenTries(lease);
  if (fault.overcome === true) await expectRuns(during, source);
  else {
    expectComplete(during);
    expect(during.current).toBe(before.facts.current);
  }
  if (fault.reports.length === 0) expect(vm.report()).toEqual(before.report);
  else expect(fault.reports).toContainEqual(verdict(lease));
  if (fault.reports.some((report) => report.rolledBack === true)) await expectBoots(lease, before.facts);
  if (fault.offline === true) expect(await vm.unitFailed()).toBe(false);
  await undo?.();
  if (fault.recovery === "automatic") {
    await vm.until("it caught up by itself", `grep -qx ${source.number} /etc/lab`, 120);
    await vm.idle();
    await expectRuns(await vm.facts(), source);
  } else if (fault.overcome !== true || fault.leaves !== undefined) await takesNext(lease);
  if (fault.leaves === undefined) return;
  await vm.powerOff();
  await vm.recovered();
  await takesNext(lease);
}

/** The facts while no agent runs: one that lacks an answer tries again by itself, every few seconds. */
async function betweenTries({ vm }: Lease): Promise<Facts> {
  for (let tries = 5; ; tries--) {
    await vm.idle();
    const facts = await vm.facts();
    if (!facts.locked || tries === 0) return facts;
  }
}

/** The boot itself brings up what ran before, and not the update after it. */
async function expectBoots({ vm }: Lease, before: Facts): Promise<void> {
  await vm.powerOff();
  await vm.recovered();
  const is = await vm.facts();
  expectComplete(is);
  expect(is).toMatchObject({ booted: before.current, current: before.current, shown: before.shown });
}

/** The VM runs the next good revision. */
export async function takesNext({ vm, source }: Lease): Promise<void> {
  source.keepsLock = true;
  try {
    await source.commit();
  } finally {
    source.keepsLock = false;
  }
  // One that tries again by itself may have looked at the head before this commit, and a start would only join it; or after it, and the start
  // finds nothing to do.
  await vm.idle();
  await vm.update();
  await expectRuns(await vm.facts(), source);
  expect(["updated", "unchanged"]).toContain(vm.report().outcome);
  expect(vm.report().revision).toBe(await source.head());
}

function verdict({ vm }: Lease): Verdict {
  const { outcome, stage, rolledBack } = vm.report();
  return { outcome, ...(stage === undefined ? {} : { stage }), ...(rolledBack ? { rolledBack } : {}) };
}

/** Reports that several faults end with. */
export const updated: Verdict = { outcome: "updated" };
export const unchanged: Verdict = { outcome: "unchanged" };
export const failed = (stage: Stage): Verdict => ({ outcome: "failed", stage });
export const rolledBack = (stage: Stage): Verdict => ({ outcome: "failed", stage, rolledBack: true });

/** A fault that a shell command in the VM makes, and perhaps another takes away. */
export function damage(command: string, repair?: string): NonNullable<Fault["inject"]> {
  return async ({ vm }) => {
    await vm.sh(command);
    return repair === undefined ? undefined : () => vm.sh(repair);
  };
}
