/** The system's decision under holds, pins, undo and failures, rule by rule. */
import { A, approve, B, C, control, runs, written, type Table } from "./cases";

const refusedB = { refused: [{ revision: B, stage: "build", error: "boom", at: "then" }] };
const hold = (scope: string, revision?: string) => ({ scope, revision, by: "ann", why: "demo" });

export const steeringTable: Record<string, Table> = {
  holds: [
    [
      "of the fleet stop a changed approval",
      { attributes: { ...approve({ rest: B }), ...control({ holds: [hold("fleet")] }) }, state: runs(A) },
      { action: "stay", outcome: "held", reason: "held by ann: demo", approved: A },
    ],
    [
      "of the wave do",
      { attributes: { ...approve({ rest: B }), ...control({ holds: [hold("wave:rest")] }) }, state: runs(A) },
      { outcome: "held" },
    ],
    [
      "of the machine do",
      { attributes: { ...approve({ rest: B }), ...control({ holds: [hold("vm:dev-alice")] }) }, state: runs(A) },
      { outcome: "held" },
    ],
    [
      "of another machine do not",
      {
        attributes: { ...approve({ rest: B }), ...control({ holds: [hold("vm:dev-bob"), hold("wave:canary")] }) },
        state: runs(A),
      },
      { action: "update" },
    ],
    [
      "against a revision stand while it is approved",
      { attributes: { ...approve({ rest: B }), ...control({ holds: [hold("wave:rest", B)] }) }, state: runs(A) },
      { outcome: "held" },
    ],
    [
      "against a revision leave the report at the failure where it was this VM's",
      {
        attributes: { ...approve({ rest: B }), ...control({ holds: [hold("wave:rest", B)] }) },
        state: { ...runs(A), ...refusedB },
      },
      { action: "stay", outcome: "failed", stage: "build", reason: "held by ann; refused: build failed before" },
    ],
    [
      "of a person come before that failure",
      {
        attributes: { ...approve({ rest: B }), ...control({ holds: [hold("wave:rest", B), hold("fleet")] }) },
        state: { ...runs(A), ...refusedB },
      },
      { action: "stay", outcome: "held" },
    ],
    [
      "against a revision lapse when the approval moves on",
      { attributes: { ...approve({ rest: C }), ...control({ holds: [hold("wave:rest", B)] }) }, state: runs(A) },
      { action: "update", target: { revision: C } },
    ],
    [
      "against a revision stand where the approval cannot be read, over a pin as well",
      {
        attributes: {
          ...written("rest", "7"),
          ...control({ holds: [hold("wave:rest", B)], pins: { "dev-alice": A } }),
        },
        state: runs(C),
      },
      { action: "stay", outcome: "held" },
    ],
    [
      "on the machine itself do",
      { attributes: approve({ rest: B }), localHold: {}, state: runs(A) },
      { outcome: "held", reason: "held locally by someone" },
    ],
    [
      "come first: nothing moves by a pin either",
      {
        attributes: { ...approve({ rest: B }), ...control({ holds: [hold("fleet")], pins: { "dev-alice": C } }) },
        state: runs(A),
        force: true,
      },
      { outcome: "held" },
    ],
    [
      "are assumed where the control item cannot be read",
      { attributes: { ...approve({ rest: B }), ...control("{") }, state: runs(A) },
      { action: "stay", outcome: "held" },
    ],
  ],
  "pins and undo": [
    [
      "a pin comes before the approval",
      { attributes: { ...approve({ rest: B }), ...control({ pins: { "dev-alice": C } }) }, state: runs(A) },
      { action: "update", target: { revision: C, explicit: true }, approved: B },
    ],
    [
      "another machine's pin does not count",
      { attributes: { ...approve({ rest: B }), ...control({ pins: { "dev-bob": C } }) }, state: runs(A) },
      { target: { revision: B } },
    ],
    [
      "a pin to something else than a revision moves nothing",
      { attributes: { ...approve({ rest: B }), ...control({ pins: { "dev-alice": "main" } }) }, state: runs(A) },
      { action: "stay" },
    ],
    [
      "instead of a bad revision the good one",
      { attributes: { ...approve({ rest: B }), ...control({ instead: { rest: { [B]: A } } }) }, state: runs(B) },
      { action: "update", target: { revision: A, explicit: true }, approved: B },
    ],
    [
      "previous: what ran before",
      {
        attributes: { ...approve({ rest: C }), ...control({ instead: { rest: { [C]: "previous" } } }) },
        state: { ...runs(C), previous: B },
      },
      { action: "update", target: { revision: B } },
    ],
    [
      "previous: a machine that is back there stays",
      {
        attributes: { ...approve({ rest: C }), ...control({ instead: { rest: { [C]: "previous" } } }) },
        state: { ...runs(B, C), previous: C },
      },
      { action: "stay", outcome: "unchanged" },
    ],
    [
      "previous: a machine that never had the bad one stays",
      {
        attributes: { ...approve({ rest: C }), ...control({ instead: { rest: { [C]: "previous" } } }) },
        state: { ...runs(A), previous: B },
      },
      { action: "stay", outcome: "unchanged", approved: C },
    ],
    [
      "previous: a new machine waits",
      { attributes: { ...approve({ rest: C }), ...control({ instead: { rest: { [C]: "previous" } } }) } },
      { action: "stay" },
    ],
    [
      "an undo does not count for the next approval",
      { attributes: { ...approve({ rest: C }), ...control({ instead: { rest: { [B]: A } } }) }, state: runs(A, B) },
      { action: "update", target: { revision: C } },
    ],
  ],
  "a revision that failed": [
    [
      "is refused, with its former error",
      { attributes: approve({ rest: B }), state: { ...runs(A), ...refusedB } },
      {
        action: "stay",
        outcome: "failed",
        stage: "build",
        error: "refused, because it failed before (then):\nboom",
        approved: B,
      },
    ],
    [
      "and was rolled back still is",
      {
        attributes: approve({ rest: B }),
        state: { ...runs(A), refused: [{ revision: B, stage: "health", error: "boom", rolledBack: true, at: "then" }] },
      },
      { outcome: "failed", stage: "health", rolledBack: true },
    ],
    [
      "does not stop another one",
      { attributes: approve({ rest: C }), state: { ...runs(A), ...refusedB } },
      { action: "update" },
    ],
    [
      "is tried again when someone asks for a retry",
      { attributes: { ...approve({ rest: B }), ...control({ retry: [B] }) }, state: { ...runs(A), ...refusedB } },
      { action: "update", retry: [B] },
    ],
    [
      "not when the retry is for another one",
      { attributes: { ...approve({ rest: B }), ...control({ retry: [C] }) }, state: { ...runs(A), ...refusedB } },
      { outcome: "failed" },
    ],
    [
      "is tried again by force",
      { attributes: approve({ rest: B }), state: { ...runs(A), ...refusedB }, force: true },
      { action: "update" },
    ],
  ],
  "what is out of order": [
    [
      "a machine that runs something else than what was deployed is brought back",
      { attributes: approve({ canary: B, rest: A }), state: runs(A), drifted: true },
      { action: "update", target: { revision: A } },
    ],
    [
      "also where it is ahead of its approval: to what was deployed",
      {
        instance: { follow: "approved" },
        attributes: approve({ rest: A }),
        state: runs(B, A),
        descends: true,
        drifted: true,
      },
      { action: "update", target: { revision: B } },
    ],
    [
      "a silent metadata server moves nothing",
      { metadata: "away", state: runs(A), head: B },
      { action: "stay", outcome: "deferred" },
    ],
    ["nor does it start anything", { metadata: "away", head: B }, { action: "stay" }],
    [
      "an item that cannot be read moves nothing",
      { instance: "{", state: runs(A), head: B },
      { action: "stay", outcome: "deferred" },
    ],
  ],
  "without a fleet": [
    [
      "the module's settings count",
      {
        metadata: "none",
        instance: null,
        settings: { repository: "git://x/y", host: "laptop", homes: [{ user: "alice" }] },
        head: B,
        state: runs(A),
      },
      {
        action: "update",
        target: { revision: B, explicit: false },
        settings: { host: "laptop", branch: "main", directory: "/etc/nixos", homes: [{ user: "alice" }] },
      },
    ],
    [
      "with one, its metadata counts",
      { instance: { branch: "stable" }, settings: { branch: "main", directory: "/srv/nixos" } },
      { settings: { branch: "stable", directory: "/srv/nixos" } },
    ],
  ],
};
