/**
 * What a person sees of a fleet in every state of the world, on terminals of 60, 100 and 160 columns, plain and coloured. The screens are
 * in `screens/`, to be looked at; colours are written as `<red>…</>` there.
 */
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { FleetVm } from "../../../../cli/fleet";
import { buildStatus } from "../../../../cli/status/status";
import { renderStatus } from "../../../../cli/status/table";
import type { Reading } from "../../../../rules/report-reading";
import { decisions, good, hold, old, other, reading, reports, silent, vm } from "../fleet-samples";

const now = new Date("2026-01-01T12:03:00Z");
const behind = { revision: old, approved: old };
const alice = { homes: [{ user: "alice", attribute: "alice" }] };
type Vm = [name: string, changes: Partial<FleetVm>, system: Reading, homes?: Record<string, Reading>];

/** A VM in each state, during an urgent rollout that has passed the canary. */
const fleet: Vm[] = [
  ["dev-canary", { wave: "canary", owner: "infra" }, reading()],
  ["dev-current", alice, reading(), { alice: reading() }],
  ["dev-builds", {}, reading({ ...behind, progress: { stage: "build", since: "2026-01-01T12:02:20Z" } })],
  ["dev-window", {}, reading({ ...behind, waiting: { for: "window", until: "2026-01-01T22:00:00Z" } })],
  ["dev-users", {}, reading({ ...behind, waiting: { for: "users" } })],
  ["dev-network", {}, reading({ ...behind, waiting: { for: "network" } })],
  ["dev-booted", { startedAt: "2026-01-01T12:02:00Z" }, reading(behind)],
  ["dev-starts", { state: "STAGING" }, silent],
  ["dev-mute", { startedAt: "2026-01-01T08:00:00Z" }, silent],
  ["dev-odd", {}, { kind: "invalid", problem: "the report is not valid: revision is missing" }],
  ["dev-held", { owner: "eve_example_com" }, reading(behind)],
  ["dev-pinned", {}, reading({ revision: other, approved: good })],
  ["dev-ahead", {}, reading({ revision: other })],
  [
    "dev-failed",
    { owner: "bob_example_com" },
    reading({
      ...behind,
      approved: good,
      outcome: "failed",
      stage: "health",
      rolledBack: true,
      error: "fleet-demo.service is failed (Result: exit-code, after 3 restarts)",
    }),
  ],
  ["dev-home-failed", alice, reading(), { alice: reading({ outcome: "failed", stage: "build", error: "no space" }) }],
  ["dev-home-behind", alice, reading(), { alice: reading({ revision: old }) }],
  ["dev-reboot", {}, reading({ rebootRequired: true })],
  ["dev-left", { wave: null }, reading({ outcome: "unchanged" })],
  ["dev-off", { state: "TERMINATED", stoppedAt: "2025-12-20T12:00:00Z" }, reading(behind)],
];

const { approvals, ...rest } = decisions(
  { canary: good, rest: good },
  { holds: [hold("vm:dev-held")], pins: { "dev-pinned": other } },
);
const urgent = Object.fromEntries(
  Object.entries(approvals).map(([wave, one]) => [wave, { ...one, urgent: true, why: "CVE-2026-1234 in openssh" }]),
);
const parents = new Map([
  [good, [old]],
  [old, []],
]);
const branch = { repository: "https://x/y", branch: "main", head: good, problem: null, parents };
const status = buildStatus(
  { fleet: "devs", stack: "prod" },
  fleet.map(([name, changes]) => {
    const { item, ...one } = vm(name, changes);
    // Its metadata is gone.
    return name === "dev-left" || item === undefined ? one : { ...one, item };
  }),
  { ...rest, approvals: urgent },
  new Map(fleet.map(([name, , system, homes = {}]) => [name, reports(system, homes)])),
  now,
  [{ ...branch, dates: new Map([[old, "2025-11-20T12:00:00Z"]]) }],
);

const names: Record<string, string> = {
  "1": "bold",
  "31": "red",
  "32": "green",
  "33": "yellow",
  "35": "magenta",
  "36": "cyan",
  "90": "gray",
};

/** Colours in words. */
function readable(text: string): string {
  return text.replaceAll(/\u001b\[(\d+)m/g, (_, code: string) => (code in names ? `<${names[code] ?? ""}>` : "</>"));
}

test.each([
  [60, "plain"],
  [60, "coloured"],
  [100, "plain"],
  [100, "coloured"],
  [160, "plain"],
  [160, "coloured"],
] as const)("on %i columns, %s", async (width, how) => {
  const lines = renderStatus(status, { colour: how === "coloured", width });
  for (const line of lines) expect(stripVTControlCharacters(line).length, line).toBeLessThanOrEqual(width);
  await expect(`${readable(lines.join("\n"))}\n`).toMatchFileSnapshot(`screens/${how}-${width}.txt`);
});

test("colours change no character", () => {
  for (const width of [60, 100, 160]) {
    const [plain, coloured] = [false, true].map((colour) => renderStatus(status, { colour, width }));
    expect(coloured?.map((line) => stripVTControlCharacters(line))).toEqual(plain);
  }
});
