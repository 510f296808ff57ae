import { expect } from "vitest";

/** The outcome in a report of what runs what it should: `unchanged` where its agent has looked again since. */
export const successfulOutcome = expect.stringMatching(/^(updated|unchanged)$/) as string;
