/** The login message, by a table. */
import { expect, it } from "vitest";
import type { AgentState } from "../../../rules/agent-state";
import { loginMessage } from "../../../rules/text/login-message";

const failed = {
  outcome: "failed",
  stage: "health",
  error: "\nunits failed: web.service\nmore",
  rolledBack: true,
} as const;

const at = "2026-01-02T08:00:00Z";
const offline = { outcome: "failed", stage: "fetch", error: "no route", transient: true, at } as const;
const tryAgain = "  nixos-hm-auto-update status; when its cause is gone: nixos-hm-auto-update run";

it.each<["machine" | "home", AgentState, string[]]>([
  ["machine", {}, []],
  ["machine", { outcome: "updated" }, []],
  ["machine", { outcome: "held" }, []],
  ["machine", { outcome: "deferred", error: "waiting for the window" }, []],
  ["machine", { ...offline, succeeded: "2026-01-01T10:00:00Z" }, []],
  [
    "machine",
    { ...offline, succeeded: "2025-12-20T10:00:00Z" },
    [
      "This machine has not been updated since 2025-12-20; the last try failed at fetch: no route",
      "  nixos-auto-update status",
    ],
  ],
  ["home", offline, ["This home has never been updated; the last try failed at fetch: no route", tryAgain]],
  [
    "machine",
    failed,
    [
      "The last update of this machine failed at health; what ran before runs again: units failed: web.service",
      "  nixos-auto-update status",
    ],
  ],
  [
    "machine",
    { outcome: "updated", rebootRequired: true },
    ["An update of this machine needs a reboot", "  ask the infra team, or with sudo: reboot"],
  ],
  [
    "machine",
    { outcome: "updated", rebootRequired: true, waiting: { for: "users", until: "2026-11-29T02:00:00Z" } },
    [
      "An update of this machine needs a reboot; it reboots by itself once no one is logged in, or after 2026-11-29T02:00:00Z",
    ],
  ],
  [
    "machine",
    { outcome: "updated", rebootRequired: true, waiting: { for: "users" } },
    ["An update of this machine needs a reboot; it reboots by itself once no one is logged in"],
  ],
  [
    "machine",
    { outcome: "updated", rebootRequired: true, waiting: { for: "window", until: "2026-11-29T02:00:00Z" } },
    ["An update of this machine needs a reboot; it reboots by itself after 2026-11-29T02:00:00Z"],
  ],
  [
    "home",
    { outcome: "deferred", error: "work in ~/config is not pushed" },
    ["An update of this home waits: work in ~/config is not pushed", "  nixos-hm-auto-update status"],
  ],
  ["home", { outcome: "failed", error: "" }, ["The last update of this home failed", tryAgain]],
  [
    "home",
    {
      outcome: "failed",
      stage: "switch",
      error:
        "refused, because it failed before (2026-01-01):\nactivate ended with status 1\nStarting\nFile 'x' would be clobbered\n",
    },
    ["The last update of this home failed at switch: File 'x' would be clobbered", tryAgain],
  ],
  [
    "machine",
    { outcome: "failed", stage: "build", error: "building\nerror: builder failed\n  with status 1\n" },
    ["The last update of this machine failed at build: error: builder failed", "  nixos-auto-update status"],
  ],
  [
    "machine",
    { outcome: "failed", stage: "switch", error: "no such unit\nswitch-to-configuration ended with status 2" },
    ["The last update of this machine failed at switch: no such unit", "  nixos-auto-update status"],
  ],
  ["home", { outcome: "updated", rebootRequired: true }, []],
])("of a %s in state %j", (of, state, lines) => {
  expect(loginMessage(of, state)).toEqual(lines);
});

it("of a home that its user has held for days says so, and how to end that", () => {
  const held = { outcome: "held", at } as const;
  const message = (since?: string) =>
    loginMessage("home", held, { why: "demo", ...(since === undefined ? {} : { at: since }) });
  expect(message("2025-12-20T08:00:00Z")).toEqual([
    "This home is held since 2025-12-20: demo",
    "  nixos-hm-auto-update resume ends it",
  ]);
  expect(message("2026-01-01T08:00:00Z")).toEqual([]);
  expect(message()).toEqual([]);
});

it("has nothing that a terminal obeys", () => {
  const state = { outcome: "failed", stage: "build", error: "\u001b[31mred\u0007" } as const;
  expect(loginMessage("machine", state).join("\n")).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
});
