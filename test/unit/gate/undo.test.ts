/** The gate of an undo: when a VM has left the revision that was taken back. */
import { expect, test } from "vitest";
import type { Result } from "../../../rules/gate/state";
import { decisions, good, hold, old, reading } from "../cli/fleet-samples";
import { decide } from "../../../rules/gate/verdict";
import { before, expectResult, failure, options, see, undo, undone } from "./samples";

const undoing = { control: undone, with: { undo: ["rest"] } };
const later = "2026-01-01T12:30:00Z";

test.each<[string, Parameters<typeof see>[0], Result, RegExp | null, Partial<typeof undoing>?]>([
  [
    "ran it and is back",
    [
      [0, reading()],
      [5, reading({ revision: old, at: later })],
    ],
    "succeeded",
    null,
  ],
  ["runs it still", [[5, reading()]], "pending", null],
  [
    "runs it to the end",
    [
      [0, reading()],
      [100, reading()],
    ],
    "failed",
    /did not answer/,
  ],
  ["never took it in, and may be on its way to it", [[0, before]], "pending", null],
  ["refused it, and has not answered since", [[0, reading(failure)]], "pending", /build failed/],
  [
    "refused it, and says that it stays where it is",
    [
      [0, reading(failure)],
      [5, reading({ revision: old, outcome: "unchanged", at: later })],
    ],
    "succeeded",
    null,
  ],
  ["was there before the gate looked", [[0, reading({ revision: old })]], "succeeded", null],
  [
    "cannot go back",
    [
      [0, reading()],
      [5, reading({ outcome: "failed", stage: "switch", error: "no", at: later })],
    ],
    "failed",
    /switch failed: no/,
  ],
  [
    "has nowhere to go back to",
    [
      [0, reading()],
      [5, reading({ outcome: "deferred", error: "no revision to go to", at: later })],
    ],
    "deferred",
    /no revision/,
  ],
  [
    "needs a reboot for it",
    [
      [0, reading()],
      [5, reading({ revision: old, rebootRequired: true, at: later })],
    ],
    "succeeded",
    /reboot/,
  ],
  ["is stopped", [[0, reading(), { state: "TERMINATED" }]], "deferred", /is stopped/],
  [
    "is pinned to it",
    [[0, reading()]],
    "deferred",
    /pinned/,
    { control: decisions({ rest: good }, { ...undo, pins: { a: good } }) },
  ],
  [
    "is held by a person",
    [[0, reading()]],
    "deferred",
    /eve@desk: demo/,
    { control: decisions({ rest: good }, { ...undo, holds: [hold("fleet")] }) },
  ],
])("a VM that %s", (_, looks, result, reason, changed = {}) => {
  expectResult(see(looks, { ...undoing, ...changed }), result, reason);
});

test.each<[string, Parameters<typeof see>[0], Partial<typeof undoing>, string]>([
  [
    "is held and runs it",
    [[0, reading()]],
    { control: decisions({ rest: good }, { ...undo, holds: [hold("fleet")] }) },
    "unproved",
  ],
  [
    "is held and never ran it",
    [[0, reading({ revision: old })]],
    { control: decisions({ rest: good }, { ...undo, holds: [hold("fleet")] }) },
    "passed",
  ],
  [
    "says itself that it is held",
    [
      [0, reading()],
      [5, reading({ outcome: "held", at: later })],
    ],
    {},
    "unproved",
  ],
  [
    "has nowhere to go",
    [
      [0, reading()],
      [5, reading({ outcome: "deferred", error: "no revision to go to", at: later })],
    ],
    {},
    "unproved",
  ],
  [
    "waits for its window",
    [
      [0, reading()],
      [5, reading({ outcome: "deferred", waiting: { for: "window" }, at: later })],
    ],
    {},
    "passed",
  ],
  ["is stopped", [[0, reading(), { state: "TERMINATED" }]], {}, "passed"],
])("an undo with a VM that %s", (_, looks, changed, outcome) => {
  const verdict = decide(see(looks, { ...undoing, ...changed }), { ...options, undo: ["rest"] });
  expect(verdict.outcome).toBe(outcome);
  if (outcome === "unproved") expect(verdict).toMatchObject({ reason: expect.stringContaining("a (") as string });
});
