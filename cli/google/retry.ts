import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, isOurs } from "./api-error";

interface RetryOptions {
  /** Maximum calls, including the first one. */
  attempts?: number;
  /** Milliseconds before the second call; doubled before each further one, up to `longest`. */
  first?: number;
  longest?: number;
  /** Seconds to wait for a used-up quota, regardless of the number of calls; none by default. */
  refill?: number;
  signal?: AbortSignal | undefined;
}

/** Repeats a call, with growing and jittered pauses, as long as it fails for a passing reason; throws the last `ApiError`. */
export async function withRetry<T>(call: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, first = 250, longest = 8_000, refill = 0, signal } = options;
  const start = Date.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (thrown) {
      // Only Google's answers pass by themselves.
      if (isOurs(thrown)) throw thrown;
      const error = ApiError.from(thrown);
      const more = attempt < attempts || (error.overQuota && Date.now() - start < refill * 1_000);
      if (!error.transient || !more || signal?.aborted === true) {
        throw error;
      }
      const wait = Math.max(backoff(attempt, first, longest), error.retryAfter * 1_000);
      await sleep(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** Milliseconds to wait after the n-th failure: doubling, half of it random, so that many callers do not come back at once. */
export function backoff(failures: number, first: number, longest: number, random = Math.random()): number {
  const full = Math.min(longest, first * 2 ** (failures - 1));
  return full / 2 + (full / 2) * random;
}
