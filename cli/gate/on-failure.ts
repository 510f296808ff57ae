/** What a gate does when too many VMs of its wave failed: it holds, rolls back, or lets the rollout continue. */
import { short } from "../../rules/contract";
import { awaitWave, type GateEnd, type GateWorld } from "./await";
import { changeControl, editedControl, type ControlEdit } from "../control-item";
import type { FleetId } from "../fleet";
import { chooseReaction, followedUndo, type Reaction } from "../../rules/gate/reaction";
import type { GateOptions } from "../../rules/gate/state";
import { wavesOf } from "../../rules/rollout/approval";
import { own } from "../../rules/text/json";
import { wavesText } from "../../rules/text/sentences";
import { withRetry } from "../google/retry";
import { withHalt, withUndo } from "../../rules/rollout/control-item";
import { oneLine } from "../../rules/text/text";

export interface Reacted {
  /** The reaction; see `chooseReaction`. */
  done: Reaction;
  /** The waves that were held or rolled back. */
  waves: string[];
  /** How the VMs' rollback ended. */
  undo?: GateEnd;
}

/** How often a call is repeated. A fleet that should be held must be held, even if the API does not answer for a minute. */
const patience = { attempts: 20, longest: 8_000 };

/** Reacts to a gate that failed because of its VMs' answers. */
export async function react(
  world: GateWorld,
  id: FleetId,
  options: GateOptions,
  end: GateEnd,
  wanted: Reaction,
): Promise<Reacted> {
  const { compute, print, signal } = world;
  const bad = options.revision;
  const { done, why } = chooseReaction(wanted, end.state, options, Date.now());
  if (why !== undefined) print(why);
  if (done === "none" || done === "continue") {
    return { done, waves: [] };
  }
  const actor = { by: `the gate of wave ${options.wave}`, why: whyOf(end), at: new Date().toISOString() };
  let waves: string[] = [];
  const edit: ControlEdit = (control, approved) => {
    // Waves are approved in order, so these are the gate's own wave and the waves before it.
    waves = wavesOf(approved, bad);
    return done === "hold" ? withHalt(control, waves, bad, actor) : withUndo(control, waves, bad, "previous");
  };
  // The person who interrupted the gate decides, and not the gate.
  signal.throwIfAborted();
  await withRetry(() => changeControl(compute, id, edit), { ...patience, signal });
  if (done === "hold") {
    print(
      oneLine(`${wavesText(waves)}: held while ${short(bad)} is approved; approving a newer revision ends the hold`),
    );
    print(`push a fix and run pulumi up; fleet retry ${bad} retries this one`);
    return { done, waves };
  }
  print(oneLine(`${wavesText(waves)}: going back to what each VM ran before ${short(bad)}`));
  return { done, waves, undo: await awaitUndo(world, id, options, waves) };
}

/**
 * Undoes the gate's revision in its own wave too, if it was rolled back in a wave before while this wave's approval was being written. Returns
 * undefined if there is nothing to do.
 */
export async function followUndo(
  { compute, print, signal }: GateWorld,
  id: FleetId,
  options: GateOptions,
  { state }: GateEnd,
): Promise<Reacted | undefined> {
  const { wave, revision } = options;
  let good: string | undefined;
  const edit: ControlEdit = (control, approved) => {
    good = followedUndo(control, own(approved, wave), state, options, Date.now());
    return good === undefined ? control : withUndo(control, [wave], revision, good);
  };
  signal.throwIfAborted();
  const isDue = async () => {
    editedControl(await compute.projectMetadata(), id, edit);
    return good !== undefined;
  };
  if (!(await withRetry(isDue, { ...patience, signal }))) return undefined;
  await withRetry(() => changeControl(compute, id, edit), { ...patience, signal });
  print(oneLine(`wave ${wave}: its VMs do not go to ${short(revision)} either`));
  return { done: "rollback", waves: [wave] };
}

/** Waits until the VMs of the rolled-back waves no longer run the revision. */
export function awaitUndo(
  world: GateWorld,
  id: FleetId,
  options: Pick<GateOptions, "wave" | "revision" | "timeout" | "bootTimeout">,
  waves: readonly string[],
): Promise<GateEnd> {
  const { wave, revision, timeout, bootTimeout } = options;
  const strict = { maxFailures: { count: 0 }, pause: 0, homes: "report", reboot: false } as const;
  const alone = { laterWaves: [], minSucceeded: 0, passedBefore: false };
  return awaitWave(world, id, { wave, revision, timeout, bootTimeout, ...strict, ...alone, undo: waves });
}

/** Why the gate failed, and the first VM's own reason. */
function whyOf({ reason, state }: GateEnd): string {
  const first = [...state.vms.values()].find(({ result }) => result === "failed");
  return oneLine(
    `${reason ?? "failed"}${first === undefined ? "" : `; ${first.name}: ${first.reason ?? "failed"}`}`,
    300,
  );
}
