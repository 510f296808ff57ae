/**
 * Decides when a held failure is released. Pure: each event leads from one state to the next and says which failures need not wait any
 * longer.
 *
 * A failure that waits occupies one of the engine's workers: the engine calls the hook inside the failed step, and the worker that runs the
 * step does nothing else until the hook answers. So at most half of the workers wait, and a single worker never waits.
 */

/** The events of an update on which held failures depend. `failure` is a number that the caller chooses. */
export type FailureEvent =
  | { kind: "vm failed"; failure: number; operation: string }
  /** An approval, a gate, or a VM that the approvals wait for has failed: the engine starts no more of the rollout. */
  | { kind: "rollout failed" }
  | { kind: "rollout ended" };

export interface HeldFailures {
  /** Whether there is no reason left to wait. */
  over: boolean;
  /** The failures that wait, oldest first. */
  waiting: readonly number[];
}

export const noFailures: HeldFailures = { over: false, waiting: [] };

/**
 * @param workers how many operations the engine runs at once
 * @returns the next state, and the failures that this event releases
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
