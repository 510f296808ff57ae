/** The system's decision without steering, rule by rule: what is known, and what must come of it. */
import { A, approve, B, C, control, lock, runs, type Table, written } from "./cases";

export const decideTable: Record<string, Table> = {
  "the first deployment": [
    ["waits for its wave's approval", {}, { action: "stay", outcome: "deferred", nothingApproved: true }],
    [
      "has nothing to go to where its wave is not approved, whoever asks",
      { state: runs(A), right: "approved" },
      { action: "stay", outcome: "deferred", nothingApproved: true },
    ],
    [
      "has nothing to go to where it follows approvals without a wave",
      { instance: { wave: null, follow: "approved" }, state: runs(A) },
      { action: "stay", outcome: "deferred", nothingApproved: true },
    ],
    [
      "does not take an approval that is not readable for none",
      { attributes: written("rest", "{"), state: runs(A) },
      { action: "stay", nothingApproved: false },
    ],
    [
      "does not take an approval that names no lock",
      { attributes: written("rest", JSON.stringify({ revision: B })), state: runs(A), right: "approved" },
      { action: "stay", outcome: "deferred", nothingApproved: false },
    ],
    [
      "has something to go to where it is held",
      { attributes: { ...approve({ rest: B }), ...control({ holds: [{ scope: "fleet" }] }) }, state: runs(A) },
      { action: "stay", outcome: "held", nothingApproved: false },
    ],
    ["is not started by another wave's", { attributes: approve({ canary: B }) }, { action: "stay" }],
    ["is not started by the branch", { attributes: approve({ canary: B }), head: B }, { action: "stay" }],
    [
      "starts where its wave is",
      { attributes: approve({ rest: A }) },
      { action: "update", outcome: "updated", target: { revision: A, lock, explicit: true }, approved: A },
    ],
    ["needs the branch's head where there are no waves", { instance: { wave: null } }, { needHead: true }],
    [
      "goes there",
      { instance: { wave: null }, head: A },
      { action: "update", target: { revision: A, explicit: false } },
    ],
  ],
  approvals: [
    ["act when they change", { attributes: approve({ rest: B }), state: runs(A) }, { action: "update", approved: B }],
    [
      "may go back when they change",
      { attributes: approve({ rest: A }), state: runs(B) },
      { action: "update", target: { revision: A, explicit: true } },
    ],
    [
      "leave a machine that runs them",
      { attributes: approve({ rest: A }), state: runs(A), head: A },
      { outcome: "unchanged" },
    ],
    [
      "are acted on by a machine that runs them already",
      { attributes: approve({ rest: B }), state: runs(B, A) },
      { action: "stay", outcome: "unchanged", approved: B },
    ],
    [
      "do not act when they are missing",
      { attributes: approve({ canary: B }), state: runs(A), head: B },
      { action: "stay", outcome: "deferred", approved: A },
    ],
    [
      "do not act when they are no JSON",
      { attributes: written("rest", "latest"), state: runs(A), head: B },
      { action: "stay", outcome: "deferred" },
    ],
    [
      "do not act when they name a branch",
      { attributes: written("rest", '{"revision":"main"}'), state: runs(A), head: B },
      { action: "stay", outcome: "deferred" },
    ],
    [
      "of another fleet are none",
      { instance: { fleet: "others" }, attributes: approve({ rest: B }), state: runs(A) },
      { action: "stay", outcome: "deferred" },
    ],
  ],
  "follow: branch": [
    [
      "asks for the head when all waves agree",
      { attributes: approve({ canary: A, rest: A }), state: runs(A) },
      { needHead: true },
    ],
    [
      "goes to the head when all waves agree",
      { attributes: approve({ canary: A, rest: A }), state: runs(A), head: B },
      { action: "update", target: { revision: B, explicit: false }, approved: A },
    ],
    [
      "takes a head that is approved for approved",
      { attributes: approve({ rest: A }), state: runs(B, A), head: A },
      { action: "update", target: { revision: A, explicit: true } },
    ],
    [
      "does not move while a rollout is open",
      { attributes: approve({ canary: B, rest: A }), state: runs(A), head: C },
      { action: "stay", outcome: "unchanged" },
    ],
    [
      "takes an approval that cannot be read for a rollout that is halted",
      {
        attributes: { ...approve({ rest: A }), ...written("canary", JSON.stringify({ revision: "?" })) },
        state: runs(A),
        head: B,
      },
      { action: "stay", outcome: "unchanged" },
    ],
  ],
  "follow: approved": [
    [
      "does not move for the branch",
      { instance: { follow: "approved" }, attributes: approve({ rest: A }), state: runs(A), head: C },
      { action: "stay", outcome: "unchanged" },
    ],
    [
      "asks whether a machine that is elsewhere is ahead",
      { instance: { follow: "approved" }, attributes: approve({ rest: A }), state: runs(B, A) },
      { action: "stay", needDescent: A },
    ],
    [
      "does not move back a machine that is ahead",
      { instance: { follow: "approved" }, attributes: approve({ rest: A }), state: runs(B, A), descends: true },
      { action: "stay", outcome: "unchanged" },
    ],
    [
      "brings back a machine that strayed",
      { instance: { follow: "approved" }, attributes: approve({ rest: A }), state: runs(B, A), descends: false },
      { action: "update", target: { revision: A } },
    ],
    [
      "does not move a machine without a wave",
      { instance: { follow: "approved", wave: null }, state: runs(A), head: B },
      { action: "stay", outcome: "deferred" },
    ],
  ],
};
