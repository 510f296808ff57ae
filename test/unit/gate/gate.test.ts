import { test } from "vitest";
import type { Result } from "../../../rules/gate/state";
import { decisions, good, old, other, reading } from "../cli/fleet-samples";
import { before, expectResult, failure, retrying, see, undone } from "./samples";

const held = reading({ approved: old, outcome: "held" });
const pinned = (revision: string) => decisions({ rest: good }, { pins: { a: revision } });

test.each<[string, Parameters<typeof see>, Result, RegExp | null]>([
  [
    "updated",
    [
      [
        [0, before],
        [5, reading()],
      ],
    ],
    "succeeded",
    null,
  ],
  ["had it already", [[[0, reading({ outcome: "unchanged" })]]], "succeeded", null],
  [
    "needs a reboot for it",
    [[[0, reading({ revision: old, rebootRequired: true })]]],
    "deferred",
    /waits for a reboot/,
  ],
  [
    "has it live, and needs a reboot for its kernel",
    [[[0, reading({ rebootRequired: true, activation: "live" })]]],
    "succeeded",
    /needs a reboot/,
  ],
  [
    "follows the branch past it",
    [[[0, reading({ revision: other, outcome: "unchanged" })]]],
    "succeeded",
    /after the approval/,
  ],
  ["may not be past it", [[[0, reading({ revision: other }), { follow: "approved" }]]], "failed", /runs ccccccc/],
  ["failed", [[[0, reading(failure)]]], "failed", /build failed: said no/],
  ["failed on something older", [[[0, reading({ ...failure, approved: old })]]], "pending", null],
  [
    "runs it and cannot fetch since",
    [[[0, reading({ outcome: "failed", stage: "fetch" })]]],
    "succeeded",
    /since then fetch failed/,
  ],
  ["runs it but is not healthy", [[[0, reading({ outcome: "failed", stage: "health" })]]], "failed", /health failed/],
  [
    "failed before a retry",
    [
      [
        [0, reading(failure)],
        [99, reading(failure)],
      ],
      { control: retrying },
    ],
    "pending",
    /build failed/,
  ],
  [
    "failed again after a retry",
    [
      [
        [0, reading(failure)],
        [5, reading({ ...failure, at: "later" })],
      ],
      { control: retrying },
    ],
    "failed",
    /build/,
  ],
  [
    "never takes the retry up",
    [
      [
        [0, reading(failure)],
        [100, reading(failure)],
      ],
      { control: retrying },
    ],
    "failed",
    /build failed/,
  ],
  [
    "keeps saying held",
    [
      [
        [0, held],
        [30, held],
      ],
    ],
    "deferred",
    /on the VM itself/,
  ],
  [
    "reports the hold again",
    [
      [
        [0, before],
        [2, held],
      ],
    ],
    "deferred",
    /on the VM itself/,
  ],
  [
    "puts it off",
    [[[0, reading({ revision: old, outcome: "deferred", error: "eve is logged in" })]]],
    "deferred",
    /eve is logged in/,
  ],
  [
    "waits for an approval at its first boot",
    [[[0, reading({ approved: undefined, outcome: "deferred" })]]],
    "pending",
    null,
  ],
  ["is pinned elsewhere", [[[0, before]], { control: pinned(old) }], "deferred", /pinned to aaaaaaa/],
  [
    "is pinned to it and there",
    [[[0, reading({ approved: undefined })]], { control: pinned(good) }],
    "deferred",
    /pinned to bbbbbbb/,
  ],
  [
    "is pinned elsewhere and there",
    [[[0, reading({ revision: old })]], { control: pinned(old) }],
    "deferred",
    /pinned/,
  ],
  ["is pinned elsewhere and failed", [[[0, reading(failure)]], { control: pinned(other) }], "deferred", /pinned/],
  [
    "descends from it",
    [[[0, reading({ revision: other, outcome: "unchanged" }), { follow: "approved" }]]],
    "succeeded",
    /after the/,
  ],
  ["was rolled back before a retry", [[[0, reading({ revision: old })]], { control: retrying }], "pending", null],
  [
    "went back after an undo",
    [[[0, reading({ revision: old })]], { control: undone }],
    "deferred",
    /^went back to aaaaaaa$/,
  ],
  [
    "failed and was taken back",
    [[[0, reading({ ...failure, revision: old })]], { control: undone }],
    "failed",
    /build failed: said no/,
  ],
])("a VM that %s", (_, [looks, settings], result, reason) => {
  expectResult(see(looks, settings), result, reason);
});
