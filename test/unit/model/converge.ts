/** From every state a good push, `up`, and VMs that can be reached lead to a converged fleet. */
import { begin, resumeAll, refresh, upStep } from "./events";
import { Violation } from "./invariants";
import { copy, describe, F, FIX, get, Outcome, Phase, vmGet, VMS, vmSet, type State } from "./state";
import { run, smooth } from "./vm-run";
import type { World } from "./world";

/** Runs the fleet to its end from a state: no one holds or pins anything, the fix is pushed, every VM runs. @throws Violation */
export function converges(world: World, from: State): void {
  let state = copy(from);
  for (const field of [F.left, F.phase, F.runRevision, F.runBranch, F.runUrgent, F.runKept]) state[field] = 0;
  for (let vm = 0; vm < VMS; vm += 1) if (vmGet(state, vm, "stale") === 1) refresh(world, state, vm);
  resumeAll(world, state);
  state[F.head] = FIX;
  for (let vm = 0; vm < VMS; vm += 1)
    if (vmGet(state, vm, "on") === 0) {
      vmSet(state, vm, "on", 1);
      vmSet(state, vm, "due", 1);
    }
  state = begin(world, state);
  for (let step = 0; step < 60 && get(state, F.phase) !== Phase.idle; step += 1) {
    for (let vm = 0; vm < VMS; vm += 1) {
      vmSet(state, vm, "branch", get(state, F.branch));
      state = settle(world, state, vm);
    }
    const next = upStep(world, state, false) ?? upStep(world, state, true);
    if (next === undefined) break;
    state = next;
  }
  for (let vm = 0; vm < VMS; vm += 1) state = settle(world, state, vm);
  const waves = [F.approvedCanary, F.approvedRest].every((field) => get(state, field) === FIX + 1);
  const vms = [0, 1, 2].every(
    (vm) => vmGet(state, vm, "deployed") === FIX + 1 && vmGet(state, vm, "built") === vmGet(state, vm, "host"),
  );
  if (!waves || !vms) throw new Violation(`the fleet does not converge: ${describe(state)}`);
}

/** Lets a VM do what it does by itself until it has nothing left to do. */
function settle(world: World, from: State, vm: number): State {
  let state = from;
  for (let turn = 0; turn < 4; turn += 1) {
    const again = vmGet(state, vm, "again") > 0 || vmGet(state, vm, "outcome") === Outcome.window;
    if (vmGet(state, vm, "due") === 1) state = run(world, state, vm, "boot", smooth);
    else if (vmGet(state, vm, "dirty") === 1) state = run(world, state, vm, "watch", smooth);
    else if (again) state = run(world, state, vm, "retry", smooth);
    else break;
  }
  return state;
}
