/** What must never happen, said without the rules that are checked. */
import type { Trigger } from "../../../rules/decision/run-right";
import { F, get, Outcome, vmGet, type State } from "./state";
import { headFor, isDescendant } from "./stored";
import type { World } from "./world";

/** A rule is broken. */
export class Violation extends Error {}

/** Later waves get what a canary has proved, or what they have already. */
export function checkApproval(state: State, wave: number, stored: number): void {
  if (wave === 0 || get(state, F.approvedRest) === stored) return;
  if ((get(state, F.proven) & (1 << (stored - 1))) === 0)
    throw new Violation(`wave rest is approved for ${stored - 1}, which no canary has proved`);
}

/** A wave that a person holds keeps its approval, and so do those after it. What was undone in a wave, or is held there, goes no further. */
export function checkPlan(state: State): void {
  const holds = get(state, F.holds);
  const mustKeep = (holds & 1) !== 0 ? 3 : (holds & 2) !== 0 ? 2 : 0;
  if ((get(state, F.runKept) & mustKeep) !== mustKeep) throw new Violation("an up approves past a person's hold");
  const planned = get(state, F.runRevision);
  const refused = get(state, F.undoCanary) === planned || get(state, F.haltCanary) === planned;
  if (refused && get(state, F.approvedRest) !== planned && (get(state, F.runKept) & 2) === 0)
    throw new Violation("an up gives wave rest what wave canary refused");
}

/** What a VM may go to, and that nothing moves under a hold. */
export function checkMove(
  world: World,
  state: State,
  vm: number,
  revision: number,
  trigger: Trigger,
  away: boolean,
): void {
  const wave = vmGet(state, vm, "wave");
  const approved = get(state, wave === 0 ? F.approvedCanary : F.approvedRest);
  const name = "abc"[vm] ?? "";
  const holds = get(state, F.holds);
  const held = (holds & 1) !== 0 || (wave === 1 && (holds & 2) !== 0) || (vm === 0 && (holds & 4) !== 0);
  const halted = get(state, wave === 0 ? F.haltCanary : F.haltRest);
  if (held || (halted !== 0 && halted === approved)) throw new Violation(`${name} moves to ${revision} under a hold`);
  if (away) throw new Violation(`${name} moves to ${revision} without knowing what it is`);
  if (!mayGo(world, state, vm, revision, trigger))
    throw new Violation(`${name} goes to ${revision} (${trigger}), which nothing allows it`);
  const deployed = vmGet(state, vm, "deployed") - 1;
  const isOld = revision + 1 === approved && vmGet(state, vm, "approved") === approved && get(state, F.pin1) === 0;
  const byBranch = world.setting.follow === "branch" && trigger !== "watch" && revision === headFor(state, vm);
  if (isOld && !byBranch && deployed !== revision && isDescendant(state, deployed, revision))
    throw new Violation(`${name} goes back from ${deployed} to ${revision}, which it has acted on before`);
  const refused = (vmGet(state, vm, "refused") & (1 << revision)) !== 0;
  if (refused && get(state, F.retry) !== revision + 1) throw new Violation(`${name} tries ${revision} again, unasked`);
}

/** What says that all is well is what should run, as the host that it is. */
export function checkStay(state: State, vm: number, outcome: number): void {
  if (outcome === Outcome.unchanged && vmGet(state, vm, "built") !== vmGet(state, vm, "host"))
    throw new Violation(`${"abc"[vm] ?? ""} stays what another host was built as, and calls it well`);
}

/** What is urgent waits for no window; nothing else is urgent. */
export function checkUrgent(state: State, vm: number, revision: number, urgent: boolean): void {
  const wave = vmGet(state, vm, "wave");
  const isApproved = get(state, wave === 0 ? F.approvedCanary : F.approvedRest) === revision + 1;
  const isUrgent = isApproved && get(state, wave === 0 ? F.urgentCanary : F.urgentRest) === 1;
  const pinned = vm === 1 && get(state, F.pin1) !== 0;
  if (isUrgent && !urgent && !pinned) throw new Violation(`${"abc"[vm] ?? ""} waits with what is urgent`);
  if (urgent && get(state, wave === 0 ? F.urgentCanary : F.urgentRest) === 0)
    throw new Violation(`${"abc"[vm] ?? ""} hurries with what is not urgent`);
}

function mayGo({ setting }: World, state: State, vm: number, revision: number, trigger: Trigger): boolean {
  const wave = vmGet(state, vm, "wave");
  const approved = get(state, wave === 0 ? F.approvedCanary : F.approvedRest);
  const source = get(state, wave === 0 ? F.sourceCanary : F.sourceRest);
  const stored = revision + 1;
  // What it runs already it may build again, as the host that it is now.
  const isRebuilt = vmGet(state, vm, "deployed") === stored && vmGet(state, vm, "built") !== vmGet(state, vm, "host");
  if (isRebuilt) return true;
  if (vm === 1 && get(state, F.pin1) !== 0) return get(state, F.pin1) === stored;
  const undone = get(state, wave === 0 ? F.undoCanary : F.undoRest);
  if (undone !== 0 && undone === approved) {
    const back = vmGet(state, vm, "deployed") === undone ? vmGet(state, vm, "previous") : vmGet(state, vm, "deployed");
    return stored === back;
  }
  // Its own metadata may still name another source than the approval is for.
  if (stored === approved) return source === vmGet(state, vm, "branch");
  const open = get(state, F.approvedCanary) !== get(state, F.approvedRest);
  const head = trigger === "boot" || trigger === "schedule" || (trigger === "retry" && vmGet(state, vm, "again") === 2);
  return head && setting.follow === "branch" && !open && revision === headFor(state, vm);
}
