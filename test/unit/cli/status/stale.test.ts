/** VMs that have been off or behind for a long time: which, since when, and how status says it. */
import { expect, it, test } from "vitest";
import { buildStatus } from "../../../../cli/status/status";
import { overdueOf, staleNotes, staleVms } from "../../../../cli/status/stale";
import { decisions, good, old, reading, report, reports, silent, vm } from "../fleet-samples";

const now = new Date("2026-01-31T12:00:00Z");
const failing = { tries: 9, since: "2026-01-10T12:00:00Z", nextTry: "2026-02-01T12:00:00Z" };
const base = {
  state: "RUNNING",
  drift: "behind",
  report: report(),
  startedAt: undefined,
  stoppedAt: undefined,
} as const;

it.each<[string, Partial<Parameters<typeof overdueOf>[0]>, ReturnType<typeof overdueOf>]>([
  ["is current", { drift: "none" }, undefined],
  ["is ahead", { drift: "ahead" }, undefined],
  ["is behind since its last run", {}, { what: "behind", since: "2026-01-01T12:00:00Z" }],
  ["keeps failing", { drift: "failed", report: report({ failing }) }, { what: "behind", since: failing.since }],
  [
    "is off",
    { state: "TERMINATED", drift: "stopped", stoppedAt: failing.since },
    { what: "off", since: failing.since },
  ],
  ["is off since an unknown time", { state: "TERMINATED", drift: "stopped", report: null }, undefined],
  [
    "never reported",
    { drift: "unknown", report: null, startedAt: failing.since },
    { what: "behind", since: failing.since },
  ],
  ["reports no time", { report: report({ at: "soon" }) }, undefined],
])("a VM that %s", (_, changes, overdue) => {
  expect(overdueOf({ ...base, ...changes })).toEqual(overdue);
});

const branch = {
  repository: "https://x/y",
  branch: "main",
  head: good,
  problem: null,
  parents: new Map([
    [good, [old]],
    [old, []],
  ]),
};
const vms = [
  vm("dev-new"),
  vm("dev-behind"),
  vm("dev-off", { state: "TERMINATED", stoppedAt: "2026-01-20T09:00:00Z" }),
  vm("dev-yesterday", { state: "TERMINATED", stoppedAt: "2026-01-30T12:00:00Z" }),
  vm("dev-mute", { startedAt: "2026-01-31T11:59:00Z" }),
];
const said = new Map([
  ["dev-new", reports(reading())],
  ["dev-behind", reports(reading({ revision: old, approved: old, at: "2026-01-22T12:00:00Z" }))],
  ["dev-off", reports(reading({ revision: old }))],
  ["dev-yesterday", reports(reading({ revision: old }))],
  ["dev-mute", reports(silent)],
]);
const dates = new Map([[old, "2025-12-22T12:00:00Z"]]);
const status = buildStatus({ fleet: "devs", stack: "dev" }, vms, decisions({ rest: good }), said, now, [
  { ...branch, dates },
]);

test("status names them, the longest first, with the age of what they run", () => {
  expect(staleVms(status, 7 * 86_400).map(({ name }) => name)).toEqual(["dev-off", "dev-behind", "dev-yesterday"]);
  expect(staleNotes(status)).toEqual([
    "off or behind for 7 d or more: dev-off (off 11 d, its lock at least 40 d old), dev-behind (behind 9 d, its lock at least 40 d old)",
  ]);
});

test("where a person asks for a time, also those whose lock is that old, wherever they should be", () => {
  const converged = buildStatus(
    { fleet: "devs", stack: "dev" },
    [vm("dev-current")],
    decisions({ rest: old }),
    new Map([["dev-current", reports(reading({ revision: old, approved: old, at: "2026-01-31T11:00:00Z" }))]]),
    now,
    [{ ...branch, head: old, dates }],
  );
  expect(staleNotes(converged)).toEqual([]);
  expect(staleVms(converged, 30 * 86_400).map(({ name }) => name)).toEqual(["dev-current"]);
  expect(staleNotes(converged, 30 * 86_400)).toEqual([
    "with a lock that is 30 d old or more: dev-current (its lock at least 40 d old)",
  ]);
  expect(staleNotes(converged, 50 * 86_400)).toEqual([]);
});
