/** Assertions on the generation that a machine runs, after any fault. */
import { expect } from "vitest";
import type { Facts } from "./facts";
import type { Source } from "./source";

/** What is true of a machine that runs one complete generation, whichever: it is that at the next boot as well. */
export function expectComplete(is: Facts): void {
  expect(is).toMatchObject({
    whole: true,
    locked: false,
    failed: [],
    profile: is.current,
    etc: is.current,
    next: is.number,
    shown: is.version,
  });
}

/** The same, of a repository's head. */
export async function expectRuns(is: Facts, source: Source): Promise<void> {
  expectComplete(is);
  expect(is).toMatchObject({ number: source.number, remembered: await source.head() });
}
