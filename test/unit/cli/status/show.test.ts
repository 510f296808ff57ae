/** `fleet show`: everything that is known about one VM, a line each. */
import { expect, test } from "vitest";
import { showLines } from "../../../../cli/commands/show";
import type { FleetVm } from "../../../../cli/fleet";
import { buildStatus } from "../../../../cli/status/status";
import type { VmReports } from "../../../../rules/report-reading";
import { decisions, good, hold, old, reading, reports, silent, vm } from "../fleet-samples";

const now = new Date("2026-01-01T12:03:00Z");

/** Key → value of its lines. */
function show(changes: Partial<FleetVm>, said: VmReports, control: Parameters<typeof decisions>[1] = {}) {
  const one = vm("dev-alice", { owner: "alice", startedAt: "2026-01-01T11:00:00Z", ...changes });
  const known = decisions({ rest: good }, control);
  const status = buildStatus({ fleet: "devs", stack: "dev" }, [one], known, new Map([[one.name, said]]), now);
  const [shown] = status.vms;
  if (shown === undefined) throw new Error("no VM");
  const rows = showLines(one, shown, status).slice(1);
  return Object.fromEntries(rows.map((row) => /^ {2}(.*?) {2,}(.*)$/.exec(row)?.slice(1) ?? [row, ""])) as object;
}

test("a VM with a home, held: metadata, approval, hold, reports, boot, timers and what it does next", () => {
  const homes = [{ user: "alice", attribute: "alice" }];
  const home = reading({ revision: old, outcome: "failed", stage: "build", error: "no such package" });
  const system = reading({ rebootRequired: true, pending: { revision: old, toplevel: "/nix/store/y" } });
  expect(show({ homes }, reports(system, { alice: home }), { holds: [hold("fleet")] })).toMatchObject({
    state: "RUNNING, started 1 h 3 min ago, in z1",
    owner: "alice",
    wave: "rest",
    metadata: expect.stringContaining('"host":"dev-alice"') as string,
    approved: good,
    held: "the fleet held by eve@desk: demo",
    runs: good,
    system: "/nix/store/x-nixos",
    "last run": "updated, 3 min ago, agent 0.1.0",
    booted: "4 h 3 min ago",
    reboot: "required; aaaaaaa runs after the next boot",
    next: "stays: held by eve@desk: demo",
    timers:
      "system about 5 min and homes about 10 min after its next boot, unless onBoot differs; a schedule of its own: fleet ssh dev-alice -- nixos-auto-update status",
    "home alice": "aaaaaaa, failed, 3 min ago, failed: build failed: no such package",
  });
});

test.each([
  [
    "just booted",
    { startedAt: "2026-01-01T12:02:00Z" },
    "system in about 4 min, homes in about 9 min, unless onBoot differs",
  ],
  [
    "whose system's timer has gone off",
    { startedAt: "2026-01-01T11:55:00Z" },
    "homes in about 2 min, unless onBoot differs",
  ],
  [
    "that is off",
    { state: "TERMINATED" },
    "system about 5 min and homes about 10 min after its next boot, unless onBoot differs",
  ],
])("the timers of a VM %s", (_, changes, timers) => {
  expect(show(changes, reports(reading()))).toMatchObject({ timers });
});

test("a VM that has said nothing has no lines about what it said", () => {
  const shown = show({}, reports(silent));
  expect(shown).toMatchObject({ runs: "has not reported" });
  for (const key of ["booted", "reboot", "last run", "system"]) expect(shown).not.toHaveProperty(key);
});
