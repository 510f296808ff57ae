/** What a gate does when more VMs of its wave failed than the budget allows. Pure. */
import { short } from "../contract";
import type { Control } from "../rollout/control-item";
import { onlyOwnHomesFailed } from "./homes";
import { isNewRevision } from "./pause";
import type { GateOptions, GateState, VmProgress } from "./state";
import { undoneWave } from "./verdict";

/**
 * `hold`: the wave and those before it stay as they are. `rollback`: their VMs go back to what each ran before, and the gate waits for that
 * too. `continue`: nothing is held, and the next wave is approved all the same. `none`: nothing is held, and the next wave is not approved.
 */
export const reactions = ["hold", "rollback", "continue", "none"] as const;
export type Reaction = (typeof reactions)[number];

/**
 * Maps the setting to the reaction; `why` gives the reason if the two differ, or if people should know.
 * @param now in milliseconds since 1970
 */
export function chooseReaction(
  wanted: Reaction,
  state: GateState,
  options: GateOptions,
  now: number,
): { done: Reaction; why?: string } {
  const { revision, wave } = options;
  if (wanted === "none") return { done: "none" };
  if (wanted === "continue")
    return {
      done: "continue",
      why: "onFailure is continue: nothing is held, and the next wave is approved all the same",
    };
  if (options.passedBefore)
    return { done: "none", why: `wave ${wave} has passed ${short(revision)} before: nothing is held or rolled back` };
  const failed = [...state.vms.values()].filter(
    ({ result, transient }) => result === "failed" || transient !== undefined,
  );
  if (failed.every((vm) => isBlameless(vm, options)))
    return { done: "none", why: `${blamelessText(failed, options)}: nothing is held or rolled back` };
  if (wanted === "rollback" && !isNewRevision(state, options, now))
    return {
      done: "hold",
      why: `${short(revision)} has run on these VMs for days, so it is not rolled back; fleet rollback does that`,
    };
  return { done: wanted };
}

/**
 * What the VMs of a wave run instead of a revision that is new to it, because it was rolled back in a wave before: an approval that was written at
 * the moment of that undo must not lead them to the revision. Undefined if they stay as they are.
 */
export function followedUndo(
  control: Control,
  approved: string | undefined,
  state: GateState,
  options: GateOptions,
  now: number,
): string | undefined {
  if (options.passedBefore || approved !== options.revision || !isNewRevision(state, options, now)) return undefined;
  const undo = undoneWave({ control }, options);
  return undo === undefined || undo.wave === options.wave ? undefined : undo.good;
}

/** Whether a VM's failure says nothing against the system's revision. */
function isBlameless(vm: VmProgress, options: GateOptions): boolean {
  return vm.vm === undefined || vm.transient !== undefined || onlyOwnHomesFailed(vm, options);
}

function blamelessText(failed: readonly VmProgress[], options: GateOptions): string {
  if (failed.every(({ vm }) => vm === undefined)) return "the VMs that failed are not there";
  if (failed.every((vm) => onlyOwnHomesFailed(vm, options)))
    return "only homes with a repository of their own failed, which the system is not to blame for";
  if (failed.every(({ transient }) => transient !== undefined)) return "the VMs that failed try again by themselves";
  return "no failure says anything against the revision";
}
