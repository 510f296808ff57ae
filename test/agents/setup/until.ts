/** Waiting for what a cloud of machines is about to do. */
import { expect } from "vitest";
import { until as wait } from "../../setup/until";
import { traces } from "./host";

/** Waits until something holds that takes moments. */
export function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  return wait(what, 30, holds, 50);
}

/** Waits until nothing of a cloud is left on the host, whose init may take a moment to bury the dead. */
export async function untilGone(directory: string): Promise<void> {
  await until("nothing is left", () => traces(directory).length === 0).catch(() => undefined);
  expect(traces(directory)).toEqual([]);
}
