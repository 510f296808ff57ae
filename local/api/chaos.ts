/**
 * Trouble on demand: a share of the calls is answered with 429, 500 or 503, before anything was done or after all of it was. By a seed, so
 * that a run can be repeated.
 */
import { randomBy } from "./random";

export interface Chaos {
  /** Of a hundred calls so many. */
  percent: number;
  seed: number;
}

/** What happens to one call: its status, and whether the call is carried out all the same. */
export interface InjectedError {
  status: 429 | 500 | 503;
  applied: boolean;
}

const STATUSES = [429, 500, 503] as const;

/** Decides call by call; undefined where a call goes well. */
export function errorInjector({ percent, seed }: Chaos): () => InjectedError | undefined {
  const chance = randomBy(seed);
  return () => {
    if (chance() * 100 >= percent) return undefined;
    const status = STATUSES[Math.floor(chance() * STATUSES.length)] ?? 503;
    // Google refuses for a quota before it does anything.
    return { status, applied: chance() < 0.5 && status !== 429 };
  };
}

/** Reads the body of a request to `/local/chaos`. @throws Error of one line */
export function readChaos({ percent, seed = 1 }: Record<string, unknown>): Chaos {
  if (typeof percent !== "number" || !(percent >= 0 && percent <= 100))
    throw new Error("percent must be a number from 0 to 100");
  if (typeof seed !== "number" || !Number.isInteger(seed)) throw new Error("seed must be a whole number");
  return { percent, seed };
}
