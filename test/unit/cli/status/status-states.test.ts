/** The status of a fleet in each state of the world: what it says of each, whether --check passes, and that it fits the terminal. */
import { describe, expect, it, test } from "vitest";
import type { FleetVm } from "../../../../cli/fleet";
import type { VmReports } from "../../../../rules/report-reading";
import { buildStatus, isConverged } from "../../../../cli/status/status";
import { renderStatus } from "../../../../cli/status/table";
import { decisions, good, hold, old, reading, reports, silent, vm } from "../fleet-samples";

const now = new Date("2026-01-01T12:03:00Z");
const home = { homes: [{ user: "alice", attribute: "alice" }] };
const behind = { revision: old, approved: old };

interface State {
  name: string;
  vm?: Partial<FleetVm>;
  said: VmReports;
  control?: Parameters<typeof decisions>[1];
  /** Drift and reason of the VM. */
  is: [string, RegExp | null];
  converged: boolean;
  /** A line of the table or the summary. */
  line?: RegExp;
}

const states: State[] = [
  { name: "is current", said: reports(reading()), is: ["none", null], converged: true },
  {
    name: "updates",
    said: reports(reading({ ...behind, progress: { stage: "build", since: "2026-01-01T12:02:20Z" } })),
    is: ["behind", /^updating \(build, 40 s\)$/],
    converged: false,
  },
  {
    name: "waits for its window",
    said: reports(reading({ ...behind, waiting: { for: "window", until: "2026-01-01T22:00:00Z" } })),
    is: ["behind", /^waits for its window until 2026-01-01T22:00:00Z$/],
    converged: false,
  },
  {
    name: "waits for its users",
    said: reports(reading({ ...behind, waiting: { for: "users" } })),
    is: ["behind", /^waits for users to log out$/],
    converged: false,
  },
  {
    name: "has just booted",
    vm: { startedAt: "2026-01-01T12:02:00Z" },
    said: reports(reading(behind)),
    is: ["behind", /^boot update in about 4 min$/],
    converged: false,
  },
  {
    name: "is held",
    said: reports(reading(behind)),
    control: { holds: [hold("fleet")] },
    is: ["held", /^the fleet held by eve@desk: demo$/],
    converged: false,
  },
  {
    name: "failed",
    said: reports(
      reading({ revision: old, outcome: "failed", stage: "health", error: "fleet-demo.service is failed" }),
    ),
    is: ["failed", /^health failed: fleet-demo\.service is failed$/],
    converged: false,
  },
  {
    name: "keeps failing",
    said: reports(
      reading({
        ...{ revision: old, outcome: "failed", stage: "build", error: "error: odd", transient: true },
        failing: { tries: 4, since: "2026-01-01T08:00:00Z", nextTry: "2026-01-02T11:30:00Z" },
      }),
    ),
    is: ["failed", /^build keeps failing: error: odd$/],
    converged: false,
    line: /: tries bbbbbbb again at boot or once a day: build keeps failing: error: odd$/,
  },
  { name: "is off", vm: { state: "TERMINATED" }, said: reports(silent), is: ["stopped", null], converged: true },
  {
    name: "has a home that failed",
    vm: home,
    said: reports(reading(), { alice: reading({ outcome: "failed", stage: "build", error: "no such package" }) }),
    is: ["none", null],
    converged: false,
    line: /1 current, 1 home failed$/,
  },
  {
    name: "has a home at an old revision",
    vm: home,
    said: reports(reading(), { alice: reading(behind) }),
    is: ["none", null],
    converged: false,
    line: /1 current, 1 home behind$/,
  },
  {
    name: "has a home that never reported",
    vm: { ...home, startedAt: "2026-01-01T10:00:00Z" },
    said: reports(reading(), { alice: silent }),
    is: ["none", null],
    converged: false,
    line: /1 current, 1 home unknown$/,
  },
  {
    name: "has a home that starts",
    vm: { ...home, startedAt: "2026-01-01T12:00:00Z" },
    said: reports(reading(), { alice: silent }),
    is: ["none", null],
    converged: true,
  },
];

describe.each(states)("a VM that $name", ({ vm: changes, said, control, is, converged, line }) => {
  const status = buildStatus(
    { fleet: "devs", stack: "prod" },
    [vm("dev-alice-workstation", { owner: "alice", ...changes })],
    decisions({ rest: good }, control),
    new Map([["dev-alice-workstation", said]]),
    now,
  );

  it("is shown", () => {
    const [one] = status.vms;
    expect(one?.drift).toBe(is[0]);
    if (is[1] === null) expect(one?.reason).toBeNull();
    else expect(one?.reason).toMatch(is[1]);
    expect(isConverged(status)).toBe(converged);
    if (line !== undefined) expect(renderStatus(status, { colour: false }).some((text) => line.test(text))).toBe(true);
  });

  it.each([60, 100, 160])("fits %i columns", (width) => {
    for (const text of renderStatus(status, { colour: false, width })) expect(text.length).toBeLessThanOrEqual(width);
  });
});

test("more VMs in need than rows are grouped by their cause", () => {
  const vms = Array.from({ length: 60 }, (_, index) => vm(`dev-${index}`));
  const failed = reports(reading({ revision: old, outcome: "failed", stage: "build", error: "error: no space" }));
  const status = buildStatus(
    { fleet: "devs", stack: "prod" },
    vms,
    decisions({ rest: good }),
    new Map(vms.map(({ name }, index) => [name, index < 50 ? failed : reports(reading(behind))])),
    now,
  );
  expect(renderStatus(status, { colour: false, rows: 40 }).slice(0, 2)).toEqual([
    "50 VMs failed: build failed: error: no space (dev-0, dev-1, dev-2, dev-3 and 46 more)",
    "10 VMs behind (dev-50, dev-51, dev-52, dev-53 and 6 more)",
  ]);
});

test("of groups each reason is one line, of VMs and of homes, however many share it", () => {
  const vms = Array.from({ length: 60 }, (_, index) =>
    vm(`dev-${index}`, { homes: [{ user: "eve", attribute: "eve" }] }),
  );
  const error = `error: ${"long ".repeat(20)}story`;
  const home = reading({ revision: old, outcome: "failed", stage: "switch", error: "a link is in the way" });
  const failed = reports(reading({ revision: old, outcome: "failed", stage: "build", error }), { eve: home });
  const said = new Map(vms.map(({ name }) => [name, failed]));
  const status = buildStatus({ fleet: "devs", stack: "prod" }, vms, decisions({ rest: good }), said, now);
  const lines = renderStatus(status, { colour: false, rows: 40 });
  expect(lines.filter((line) => line.includes("long long"))).toHaveLength(1);
  expect(lines.slice(lines.indexOf("homes:"), lines.indexOf("next:"))).toEqual([
    "homes:",
    expect.stringMatching(/^ {2}eve \(dev-0\), eve \(dev-1\), .* and 54 more: .*a link is in the way$/),
  ]);
});
