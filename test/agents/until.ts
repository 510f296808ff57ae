/** Waiting for what a cloud of machines is about to do. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { traces } from "./host";

/** Waits until something holds that can be asked for at any time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await sleep(50);
  }
}

/** Waits until nothing of a cloud is left on the host, whose init may take a moment to bury the dead. */
export async function untilGone(directory: string): Promise<void> {
  await until("nothing is left", () => traces(directory).length === 0).catch(() => undefined);
  expect(traces(directory)).toEqual([]);
}
