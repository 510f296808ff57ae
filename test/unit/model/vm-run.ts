/** One run of a VM's agent, as the model has it. */
import type { Trigger } from "../../../rules/decision/run-right";
import { checkMove, checkStay, checkUrgent } from "./invariants";
import { copy, F, get, Outcome, Quality, seenBy, vmGet, vmSet, type State } from "./state";
import { canFetch, isDescendant } from "./stored";
import type { World } from "./world";

/** A VM that runs no more: what was due is no more, and its next boot is. */
export function stop(state: State, vm: number): void {
  for (const field of ["on", "dirty", "due", "again"] as const) vmSet(state, vm, field, 0);
}

/** What may happen to a run. */
export interface Chance {
  /** The metadata server answers 503 for this VM's own item. */
  away: boolean;
  /** What may pass by itself does so, and no window is in the way. */
  luck: boolean;
  /** The machine loses its power when all is switched, and before the state says so. Before that it is as if it had not begun. */
  crash: boolean;
}

export const smooth: Chance = { away: false, luck: true, crash: false };

/** What the first run after a boot finds on trial is kept, or is rolled back and refused. */
function afterBootCheck(state: State, vm: number): State {
  const trial = vmGet(state, vm, "trial");
  if (trial === 0 || vmGet(state, vm, "due") === 0) return state;
  const after = copy(state);
  vmSet(after, vm, "trial", 0);
  const deployed = vmGet(state, vm, "deployed");
  if (qualityOf(state, trial - 1) === Quality.boot) {
    vmSet(after, vm, "refused", vmGet(after, vm, "refused") | (1 << (trial - 1)));
    if (deployed === trial) {
      vmSet(after, vm, "deployed", vmGet(state, vm, "previous"));
      vmSet(after, vm, "previous", deployed);
    }
  } else if (deployed !== trial) deploy(after, vm, trial);
  return after;
}

function deploy(state: State, vm: number, stored: number): void {
  const deployed = vmGet(state, vm, "deployed");
  if (deployed !== stored) vmSet(state, vm, "previous", deployed);
  vmSet(state, vm, "deployed", stored);
  vmSet(state, vm, "built", vmGet(state, vm, "host"));
  if (vmGet(state, vm, "trial") !== stored) vmSet(state, vm, "trial", 0);
  vmSet(state, vm, "refused", vmGet(state, vm, "refused") & ~(1 << (stored - 1)));
}

/** One run of a VM's agent. */
export function run(world: World, from: State, vm: number, trigger: Trigger, { away, luck, crash }: Chance): State {
  const state = afterBootCheck(from, vm);
  const seen = seenBy(state, vm);
  const right = world.rules.rightOf(trigger, vmGet(state, vm, "again") === 2 ? "head" : "approved");
  const { action, target: stored, explicit, urgent, outcome, approved } = world.run(seen, vm, right, away);
  const after = copy(state);
  for (const field of ["dirty", "due", "again"] as const) vmSet(after, vm, field, 0);
  const finish = (result: number): State => {
    vmSet(after, vm, "outcome", result);
    vmSet(after, vm, "approved", approved);
    vmSet(after, vm, "fresh", 1);
    const passes = result === Outcome.transient || result === Outcome.metadata || away;
    if (passes) vmSet(after, vm, "again", right === "head" ? 2 : 1);
    noteProof(after, vm);
    return after;
  };
  if (action === "stay") {
    checkStay(seen, vm, outcome);
    return finish(outcome);
  }
  const revision = stored - 1;
  checkMove(world, seen, vm, revision, trigger, away);
  checkUrgent(seen, vm, revision, urgent);
  // No window is in the way of what is urgent.
  if (!luck && !urgent) return finish(Outcome.window);
  const deployed = vmGet(state, vm, "deployed");
  const refuse = () => {
    vmSet(after, vm, "refused", vmGet(after, vm, "refused") | (1 << revision));
    return finish(Outcome.failed);
  };
  // What no branch contains it cannot fetch, unless it ran it before.
  if (!canFetch(state, vm, revision)) return finish(Outcome.transient);
  if (!explicit && deployed !== 0 && !isDescendant(state, revision, deployed - 1)) return refuse();
  const quality = qualityOf(state, revision);
  if (quality === Quality.build || quality === Quality.health) return refuse();
  if (quality === Quality.flaky && trigger !== "retry") return finish(Outcome.transient);
  if (crash || quality === Quality.boot) vmSet(after, vm, "trial", stored);
  if (crash) {
    stop(after, vm);
    return after;
  }
  deploy(after, vm, stored);
  return finish(Outcome.updated);
}

/** A canary that does well with what its wave is approved for has proved it, unless it is pinned. */
function noteProof(state: State, vm: number): void {
  const outcome = vmGet(state, vm, "outcome");
  const deployed = vmGet(state, vm, "deployed");
  const well = outcome === Outcome.unchanged || outcome === Outcome.updated;
  const pinned = vm === 1 && get(state, F.pin1) !== 0;
  if (vmGet(state, vm, "wave") !== 0 || !well || pinned || deployed === 0) return;
  if (vmGet(state, vm, "approved") === deployed) state[F.proven] = get(state, F.proven) | (1 << (deployed - 1));
}

function qualityOf(state: State, revision: number): number {
  return revision === 1 ? get(state, F.quality1) : revision === 2 ? get(state, F.quality2) : Quality.good;
}
