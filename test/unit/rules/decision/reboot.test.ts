/** When a VM reboots by itself, by a table. */
import { expect, it } from "vitest";
import { rebootDecision, type RebootInput } from "../../../../rules/decision/reboot";

const now = new Date("2026-11-28T12:00:00Z");
const input: RebootInput = {
  ...{ required: true, allowed: true, byWave: false, firstDeployment: false, withUsers: false },
  ...{ windows: [], users: [], since: new Date("2026-11-28T10:00:00Z"), now },
};
const closed = { open: false, until: new Date("2026-11-29T02:00:00Z") } as const;
const later = { open: false, until: new Date("2026-11-30T02:00:00Z") } as const;
const hour = 3600 * 1000;

it.each<[string, Partial<RebootInput>, string]>([
  ["nothing needs it", { required: false }, "none"],
  ["it may", {}, "reboot in 1"],
  ["it may not", { allowed: false }, "wait for reboot"],
  ["its wave requires it", { allowed: false, byWave: true }, "reboot in 1"],
  ["it is the first system", { allowed: false, firstDeployment: true, windows: [closed] }, "reboot in 1"],
  ["the window is closed", { windows: [closed] }, "wait for window until 2026-11-29T02:00:00.000Z"],
  ["both windows are closed", { windows: [closed, later] }, "wait for window until 2026-11-30T02:00:00.000Z"],
  ["it is not known when the window opens", { windows: [closed, { open: false }] }, "wait for window"],
  [
    "the window is closed, and the wave requires it",
    { byWave: true, windows: [closed] },
    "wait for window until 2026-11-29T02:00:00.000Z",
  ],
  ["it is held", { held: "held by carol: a demo" }, "wait: a reboot is required; held by carol: a demo"],
  [
    "it is held, whatever else would allow it",
    { held: "held by carol", byWave: true, firstDeployment: true },
    "wait: a reboot is required; held by carol",
  ],
  ["it is held, and nothing needs it", { held: "held by carol", required: false }, "none"],
  ["someone is logged in", { users: ["alice"] }, "wait for users"],
  ["someone is logged in, and that does not matter", { users: ["alice"], withUsers: true }, "reboot in 1"],
  [
    "someone is logged in before the deadline",
    { users: ["alice"], deadline: 3 * hour },
    "wait for users until 2026-11-28T13:00:00.000Z",
  ],
  [
    "a person is logged in after the deadline",
    { users: ["alice"], deadline: 2 * hour },
    "reboot in 15, wait for users until 2026-11-28T12:15:00.000Z",
  ],
])("where %s", (_, changed, expected) => {
  const decision = rebootDecision({ ...input, ...changed });
  const reboots = decision.action === "reboot" ? [`reboot in ${decision.minutes}`] : [];
  const waits =
    decision.action === "none" || decision.waiting === undefined
      ? decision.action === "wait"
        ? [`wait: ${decision.why}`]
        : []
      : [`wait for ${decision.waiting.for}${decision.waiting.until ? ` until ${decision.waiting.until}` : ""}`];
  expect([...reboots, ...waits].join(", ") || "none").toBe(expected);
});

it("says which range of a window cannot be read", () => {
  const windows = [closed, { open: false, unreadable: 'window "nights": not a range' }] as const;
  const why = 'a reboot is required; waiting for the window: window "nights": not a range';
  expect(rebootDecision({ ...input, windows })).toEqual({ action: "wait", waiting: { for: "window" }, why });
});
