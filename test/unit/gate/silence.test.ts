import { test } from "vitest";
import type { Result } from "../../../rules/gate/state";
import { readReport } from "../../../cli/reports";
import { decisions, good, hold, old, reading, silent } from "../cli/fleet-samples";
import { before, expectResult, failure, see } from "./samples";

const held = reading({ approved: old, outcome: "held" });
const newer = { revision: old, approved: old, outcome: "held", agent: "0.2.0" } as const;
const fleets = reading({ ...newer, error: "held by eve@desk: demo" });
const own = reading({ ...newer, error: "held locally by eve: demo" });
const fleetsLater = reading({ ...newer, error: "held by eve@desk: demo", at: "2026-01-01T12:00:30Z" });
const personal = { control: decisions({ rest: good }, { holds: [hold("vm:a")] }) };

test.each<[string, Parameters<typeof see>, Result, RegExp | null]>([
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
  ...([0, 29, 99] as const).map((at): [string, Parameters<typeof see>, Result, RegExp | null] => [
    `said that the fleet was held, ${at} s after the hold's end`,
    [
      [
        [0, fleets],
        [at, fleets],
      ],
    ],
    "pending",
    /has not answered since its hold ended/,
  ]),
  [
    "does not answer after the end of the fleet's hold",
    [
      [
        [0, fleets],
        [100, fleets],
      ],
    ],
    "failed",
    /has not answered since its hold ended/,
  ],
  [
    "said that the fleet is held, while it is",
    [[[0, fleets]], { control: decisions({ rest: good }, { holds: [hold("fleet")] }) }],
    "deferred",
    /eve@desk: demo/,
  ],
  [
    "said held by the fleet while the gate looked on, and the hold has ended",
    [
      [
        [0, before],
        [31, fleetsLater],
      ],
    ],
    "pending",
    /has not answered/,
  ],
  [
    "runs the revision already and said that the fleet was held",
    [[[0, reading({ outcome: "held", agent: "0.2.0", error: "held by eve@desk: demo" })]]],
    "pending",
    /has not answered/,
  ],
  ["is held by the fleet and off", [[[0, fleets, { state: "TERMINATED" }]]], "deferred", /is stopped/],
  [
    "is held on the VM itself",
    [
      [
        [0, own],
        [30, own],
      ],
    ],
    "deferred",
    /held on the VM itself/,
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
  expectResult(see(looks, settings), result, reason);
});
