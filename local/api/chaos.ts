/**
 * Injected errors: a share of the calls gets 429, 500 or 503, either before the call is carried out or after it. A seed decides which, so
 * that a run can be repeated.
 */
import { randomBy } from "./random";

export interface Chaos {
  /** The percentage of calls that fail. */
  percent: number;
  seed: number;
}

/** What happens to one call: its status, and whether the call is carried out anyway. */
export interface InjectedError {
  status: 429 | 500 | 503;
  applied: boolean;
}

const STATUSES = [429, 500, 503] as const;

/** Decides for each call; undefined if the call succeeds. */
export function errorInjector({ percent, seed }: Chaos): () => InjectedError | undefined {
  const chance = randomBy(seed);
  return () => {
    if (chance() * 100 >= percent) return undefined;
    const status = STATUSES[Math.floor(chance() * STATUSES.length)] ?? 503;
    // Google refuses a call for a quota before it carries anything out.
    return { status, applied: chance() < 0.5 && status !== 429 };
  };
}

/** Reads the body of a request to `/local/chaos`. @throws Error with a one-line message */
export function readChaos({ percent, seed = 1 }: Record<string, unknown>): Chaos {
  if (typeof percent !== "number" || !(percent >= 0 && percent <= 100))
    throw new Error("percent must be a number from 0 to 100");
  if (typeof seed !== "number" || !Number.isInteger(seed)) throw new Error("seed must be a whole number");
  return { percent, seed };
}
