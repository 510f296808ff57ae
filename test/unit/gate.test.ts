import { expect, test } from "vitest";
import type { Result } from "../../control/gate";
import { readReport } from "../../control/reports";
import { decisions, good, hold, old, other, reading, silent } from "./fleet-samples";
import { before, failure, resultOf, retrying, see } from "./gate-samples";

const held = reading({ approved: old, outcome: "held" });
const personal = { control: decisions({ rest: good }, { holds: [hold("vm:a")] }) };
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
  ["needs a reboot for it", [[[0, reading({ revision: old, rebootRequired: true })]]], "succeeded", /needs a reboot/],
  [
    "follows the branch past it",
    [[[0, reading({ revision: other, outcome: "unchanged" })]]],
    "succeeded",
    /past the approval/,
  ],
  [
    "may not be past it",
    [[[0, reading({ revision: other, outcome: "unchanged" }), { follow: "approved" }]]],
    "failed",
    /runs ccccccc/,
  ],
  [
    "has not answered",
    [
      [
        [0, before],
        [99, before],
      ],
    ],
    "pending",
    null,
  ],
  [
    "never answers",
    [
      [
        [0, before],
        [100, before],
      ],
    ],
    "failed",
    /did not answer within 1 min 40 s/,
  ],
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
  ["is stopped", [[[0, before, { state: "TERMINATED" }]]], "deferred", /is stopped \(TERMINATED\)/],
  ["failed and was stopped", [[[0, reading(failure), { state: "TERMINATED" }]]], "failed", /build/],
  [
    "succeeded and was stopped",
    [
      [
        [0, reading()],
        [5, reading(), { state: "STOPPING" }],
      ],
    ],
    "succeeded",
    null,
  ],
  ["is being started", [[[0, silent, { state: "STAGING" }]]], "pending", null],
  ["is held by a person", [[[0, before]], personal], "deferred", /eve@desk: demo/],
  ["failed and is held", [[[0, reading(failure)]], personal], "failed", /build/],
  ["says that it is held", [[[0, reading({ revision: old, outcome: "held" })]]], "deferred", /held/],
  [
    "said held long ago",
    [
      [
        [0, held],
        [29, held],
      ],
    ],
    "pending",
    null,
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
    "answers held anew",
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
    "succeeded",
    null,
  ],
  [
    "has never reported",
    [
      [
        [0, silent],
        [59, silent],
      ],
    ],
    "pending",
    null,
  ],
  [
    "never reports",
    [
      [
        [0, silent],
        [60, silent],
      ],
    ],
    "failed",
    /did not report within 1 min of its start/,
  ],
  [
    "reports first and then takes its time",
    [
      [
        [0, silent],
        [50, before],
        [149, before],
      ],
    ],
    "pending",
    null,
  ],
  [
    "reports first and then nothing",
    [
      [
        [0, silent],
        [50, before],
        [150, before],
      ],
    ],
    "failed",
    /did not answer/,
  ],
  [
    "is started late",
    [
      [
        [0, before, { state: "TERMINATED" }],
        [90, before],
        [159, before],
      ],
    ],
    "pending",
    null,
  ],
  [
    "is started over and over",
    [
      [
        [0, before, { state: "TERMINATED" }],
        [150, before],
        [160, before],
      ],
    ],
    "failed",
    /did not answer/,
  ],
  [
    "writes nonsense",
    [
      [
        [0, readReport("{")],
        [99, readReport("{")],
      ],
    ],
    "pending",
    null,
  ],
  [
    "writes nothing but nonsense",
    [
      [
        [0, readReport("{")],
        [100, readReport("{")],
      ],
    ],
    "failed",
    /not JSON/,
  ],
  [
    "cannot be asked just now",
    [
      [
        [0, before],
        [120, undefined],
      ],
    ],
    "pending",
    null,
  ],
  [
    "cannot be asked to the end",
    [
      [
        [0, before],
        [160, undefined],
      ],
    ],
    "failed",
    /did not answer/,
  ],
])("a VM that %s", (_, [looks, settings], result, reason) => {
  const [is, why] = resultOf(see(looks, settings));
  expect(is).toBe(result);
  if (reason === null) {
    expect(why).toBeNull();
  } else {
    expect(why).toMatch(reason);
  }
});
