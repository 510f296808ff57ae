/** What a gate does when more VMs of its wave failed than may: holds, undoes, or lets the rollout go on. */
import { short } from "../../rules/contract";
import { awaitWave, type GateEnd, type GateWorld } from "./await";
import { changeControl, pruned, withHalt, withUndo } from "../control-item";
import { readDecisions, type FleetId } from "../fleet";
import { onlyOwnHomesFailed } from "./homes";
import { isNews } from "./soak";
import type { GateOptions } from "./state";
import { wavesText } from "./text";
import { withRetry } from "../google/retry";
import { revisionsOf } from "../status/status";
import { oneLine } from "../text";

/**
 * `hold`: the wave and those before it stay as they are. `rollback`: their VMs go back to what each ran before, and the gate waits
 * for that too. `continue`: nothing is held, and the next wave is approved all the same. `none`: nothing is held, and it is not.
 */
export const reactions = ["hold", "rollback", "continue", "none"] as const;
export type Reaction = (typeof reactions)[number];

export interface Reacted {
  /** What was done; `rollback` has become `hold` where the revision is no news. */
  done: Reaction;
  /** The waves that were held or rolled back. */
  waves: string[];
  /** How the VMs' way back ended. */
  undo?: GateEnd;
}

/** How often a call is made again: a fleet that should be held must be, also where the API does not answer for a minute. */
const patience = { attempts: 20, longest: 8_000 };

/** Reacts to a gate that failed by its VMs' answers. */
export async function react(
  world: GateWorld,
  id: FleetId,
  options: GateOptions,
  end: GateEnd,
  wanted: Reaction,
): Promise<Reacted> {
  const { compute, print, signal } = world;
  const bad = options.revision;
  if (wanted === "none") {
    return { done: wanted, waves: [] };
  }
  if (wanted === "continue") {
    print("onFailure is continue: nothing is held, and the next wave is approved all the same");
    return { done: wanted, waves: [] };
  }
  const failed = [...end.state.vms.values()].filter(({ result }) => result === "failed");
  if (failed.every((progress) => onlyOwnHomesFailed(progress, options))) {
    print("only homes with a repository of their own failed: the system is neither held nor rolled back");
    return { done: "none", waves: [] };
  }
  const news = isNews(end.state, options, Date.now());
  const done = wanted === "rollback" && !news ? "hold" : wanted;
  if (done !== wanted) {
    print(`${short(bad)} has run here for long: it is not rolled back, ./scripts/fleet rollback does that`);
  }
  const metadata = await withRetry(() => compute.projectMetadata(), { ...patience, signal });
  const approvals = revisionsOf(readDecisions(metadata, id).approvals);
  // Waves are approved in order, so these are the gate's own and those before it.
  const waves = Object.keys(approvals).filter((wave) => approvals[wave] === bad);
  const told = { by: `the gate of wave ${options.wave}`, why: whyOf(end), at: new Date().toISOString() };
  const edit = (control: Parameters<typeof pruned>[0]) =>
    done === "hold"
      ? withHalt(pruned(control, approvals), waves, bad, told)
      : withUndo(pruned(control, approvals), waves, bad, "previous");
  await withRetry(() => changeControl(compute, id, edit), { ...patience, signal });
  if (done === "hold") {
    print(
      oneLine(`${wavesText(waves)}: held while ${short(bad)} is approved; an approval of something newer ends that`),
    );
    print(`push a fix and run pulumi up; ./scripts/fleet retry ${bad} tries this one again`);
    return { done, waves };
  }
  print(oneLine(`${wavesText(waves)}: going back to what each VM ran before ${short(bad)}`));
  return { done, waves, undo: await awaitUndo(world, id, options, waves) };
}

/** Waits until the VMs of waves in which a revision was undone have left it. */
export function awaitUndo(
  world: GateWorld,
  id: FleetId,
  options: Omit<GateOptions, "maxFailures" | "pause" | "homes" | "undo">,
  waves: readonly string[],
): Promise<GateEnd> {
  const strict = { maxFailures: { count: 0 }, pause: 0, homes: "report" } as const;
  return awaitWave(world, id, { ...options, ...strict, undo: waves });
}

/** Why the gate failed, and the first VM's own reason. */
function whyOf({ reason, state }: GateEnd): string {
  const first = [...state.vms.values()].find(({ result }) => result === "failed");
  return oneLine(
    `${reason ?? "failed"}${first === undefined ? "" : `; ${first.vm.name}: ${first.reason ?? "failed"}`}`,
    300,
  );
}
