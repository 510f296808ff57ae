/** How long an agent waits until it retries a run that ended for a transient reason: short at first, then longer and longer. Pure. */

/** Seconds at most between two tries, before chance. */
const LONGEST = 6 * 3600;

/** Seconds until a retry: twice as long each time, plus or minus a quarter, so that machines that lost the network together do not retry together. */
export function retryDelay(count: number, first: number, random: number): number {
  return Math.floor(spread(Math.min(first * 2 ** Math.min(count, 20), LONGEST), random));
}

/** A pause plus or minus a quarter. */
export function spread(pause: number, random: number): number {
  return pause * (0.75 + random * 0.5);
}

/** Seconds that no pause between two tries is longer than. */
export const longestRetryDelay = LONGEST * 1.25;
