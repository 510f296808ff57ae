/**
 * When a failure that is held back is let out. Pure: each event leads from one state to the next and says who need wait no longer.
 *
 * A failure that waits keeps one of the engine's workers: the engine calls the hook from within the step that failed, and the worker
 * that runs the step does nothing else until the hook answers. So at most half of the workers wait, and one that runs alone never does.
 */

/** What happens to an update, as far as held failures depend on it. `failure` is a number of the caller's own. */
export type FailureEvent =
  | { kind: "vm failed"; failure: number; operation: string }
  /** An approval, a gate, or a VM that the approvals wait for: the engine begins nothing of the rollout any more. */
  | { kind: "rollout failed" }
  | { kind: "rollout ended" };

export interface HeldFailures {
  /** Whether nothing is left to wait for. */
  over: boolean;
  /** The failures that wait, oldest first. */
  waiting: readonly number[];
}

export const noFailures: HeldFailures = { over: false, waiting: [] };

/**
 * @param workers how many operations the engine has under way at once
 * @returns the next state, and the failures that this event lets out
 */
export function nextFailures(
  { over, waiting }: HeldFailures,
  event: FailureEvent,
  workers: number,
): { next: HeldFailures; out: readonly number[] } {
  if (event.kind !== "vm failed") return { next: { over: true, waiting: [] }, out: waiting };
  const { failure, operation } = event;
  // Deletions come after everything else.
  if (over || operation === "delete") return { next: { over, waiting }, out: [failure] };
  const all = [...waiting, failure];
  if (all.length > workers / 2) return { next: { over: true, waiting: [] }, out: all };
  return { next: { over, waiting: all }, out: [] };
}
