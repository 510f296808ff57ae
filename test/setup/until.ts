import { setTimeout as sleep } from "node:timers/promises";
import { patience } from "./pace";

/**
 * Waits until something holds that can be asked for at any time.
 * @param seconds how long it may take on an idle machine
 * @param every milliseconds between two looks
 * @throws with what it waited for, and why the last look failed if it did
 */
export async function until(
  what: string,
  seconds: number,
  holds: () => boolean | Promise<boolean>,
  every = 100,
): Promise<void> {
  const limit = patience(seconds);
  const end = Date.now() + limit;
  for (;;) {
    let failed: unknown;
    try {
      if (await holds()) return;
    } catch (error) {
      failed = error;
    }
    if (Date.now() > end)
      throw new Error(`waited ${Math.round(limit / 1000)} s, and not yet: ${what}`, { cause: failed });
    await sleep(every);
  }
}
