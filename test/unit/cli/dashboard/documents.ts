/** Documents for the page, made by the tool's own functions from VMs and reports as they may be. */
import type { PageDocument } from "../../../../cli/dashboard/document";
import type { FleetVm } from "../../../../cli/fleet";
import type { HistoryEntry } from "../../../../cli/history-entry";
import { buildStatus } from "../../../../cli/status/status";
import type { VmReports } from "../../../../rules/report-reading";
import type { Control } from "../../../../rules/rollout/control-item";
import { decisions, hold, reading, silent, vm } from "../fleet-samples";

export const now = new Date("2026-11-28T12:00:00Z");
export const before = "a81f10e".padEnd(40, "1");
export const target = "d4e5f6a".padEnd(40, "2");

export const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString();

/** A fleet, and how its VMs and its rollout are. */
export interface Sample {
  approvals: Record<string, string>;
  control?: Partial<Control>;
  vms: { vm: FleetVm; reports: VmReports }[];
  history?: HistoryEntry[];
}

export function documentOf({ approvals, control, vms, history = [] }: Sample, at = now): PageDocument {
  const reports = new Map(vms.map((one) => [one.vm.name, one.reports]));
  const status = buildStatus(
    { fleet: "devs", stack: "prod" },
    vms.map((one) => one.vm),
    decisions(approvals, control),
    reports,
    at,
  );
  const input = (name: string, days: number, source: string) => ({
    input: name,
    source,
    revision: `${name.length}f3c9a1`.padEnd(40, "0"),
    at: new Date(at.getTime() - days * 86_400_000).toISOString(),
  });
  const inputs = [
    input("nixpkgs", 6, "github:NixOS/nixpkgs/nixos-26.05"),
    input("home-manager", 11, "github:nix-community/home-manager/release-26.05"),
    input("nixos-fleet", 19, "git+https://git.example.com/infra/nixos-fleet"),
    input("sops-nix", 74, "github:Mic92/sops-nix"),
  ];
  return { status, history, lock: { revision: target, inputs }, problems: [] };
}

const people = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "niaj"];
const person = (number: number) => `${people[number % people.length] ?? ""}${number < people.length ? "" : number}`;

const common = { approved: target, bootedAt: minutesAgo(600) };
const homeOf = (user: string) => [{ user, attribute: user }];

/** A developer's VM whose home runs what its system runs. */
function member(name: string, user: string, wave: string, report: object, changes: Partial<FleetVm> = {}) {
  const system = reading({ ...common, revision: target, at: minutesAgo(5), ...report });
  const home = reading({ revision: before, at: minutesAgo(9) });
  const same =
    system.kind === "report" && system.report.revision === before
      ? home
      : reading({ revision: target, at: minutesAgo(4) });
  return {
    vm: vm(name, {
      wave,
      owner: user,
      homes: homeOf(user),
      zone: "europe-west1-b",
      startedAt: minutesAgo(600),
      ...changes,
    }),
    reports: { system, homes: { [user]: same } },
  };
}

/** The reports that occur in a rollout, one after the other. */
function variant(number: number): { report: object; changes?: Partial<FleetVm> } {
  switch (number % 25) {
    case 3:
      return { report: { revision: before, approved: before, at: minutesAgo(180) }, changes: { state: "TERMINATED" } };
    case 7:
      return { report: { revision: before, approved: before, progress: { stage: "build", since: minutesAgo(2) } } };
    case 12:
      return {
        report: {
          revision: before,
          waiting: { for: "users" },
          outcome: "deferred",
          error: "waits for users to log out",
        },
      };
    case 18:
      return { report: { revision: before, approved: before, at: minutesAgo(70) } };
    default:
      return { report: {} };
  }
}

const gateRules = { laterWaves: ["research", "rest"], minSucceeded: 1, maxFailures: "0" };
const gate = (wave: string, changes: Partial<HistoryEntry>): HistoryEntry => ({
  at: minutesAgo(8),
  by: "eve@example.com",
  from: "eve@desk",
  event: "gate",
  scope: `wave:${wave}`,
  revision: target,
  outcome: "passed",
  ...changes,
});

const past: HistoryEntry[] = [
  {
    ...gate("rest", { at: minutesAgo(4_000), revision: before, took: 512, counts: { succeeded: 11, deferred: 2 } }),
    gate: { laterWaves: [], minSucceeded: 0, maxFailures: "10%" },
  },
  {
    ...gate("canary", { at: minutesAgo(4_020), revision: before, took: 95, counts: { succeeded: 1 } }),
    gate: gateRules,
  },
  {
    ...gate("fleet", {
      at: minutesAgo(5_200),
      event: "hold",
      outcome: "done",
      revision: undefined,
      why: "release week, until Friday",
    }),
    scope: "fleet",
  },
];

/** A fleet that is well. */
export function well(count: number): Sample {
  return {
    approvals: { canary: target, rest: target },
    vms: Array.from({ length: count }, (_, number) =>
      member(`dev-${person(number)}`, person(number), number === 0 ? "canary" : "rest", {}),
    ),
    history: [
      {
        ...gate("rest", { at: minutesAgo(40), took: 340, counts: { succeeded: count - 1 } }),
        gate: { laterWaves: [], minSucceeded: 0, maxFailures: "10%" },
      },
      {
        ...gate("canary", { at: minutesAgo(50), took: 71, counts: { succeeded: 1 } }),
        gate: { ...gateRules, laterWaves: ["rest"] },
      },
      ...past,
    ],
  };
}

/** A fleet in the middle of a rollout: the canaries passed, a wave is at it, the rest is not approved yet. */
export function rolling(count: number): Sample {
  const canaries = Math.max(1, Math.floor(count / 40));
  const research = Math.max(1, Math.floor(count / 3));
  return {
    approvals: { canary: target, research: target, rest: before },
    control: { holds: [{ ...hold("vm:dev-bob"), why: "demo for a customer until Friday", at: minutesAgo(300) }] },
    vms: Array.from({ length: count }, (_, number) => {
      const wave = number < canaries ? "canary" : number < canaries + research ? "research" : "rest";
      const settled = wave === "rest" ? { revision: before, approved: before, at: minutesAgo(4_000) } : {};
      const { report, changes } = wave === "canary" ? { report: {} } : variant(number);
      return member(
        `dev-${person(number)}`,
        person(number),
        wave,
        { ...settled, ...(wave === "rest" ? {} : report) },
        changes,
      );
    }),
    history: [
      {
        ...gate("research", { at: minutesAgo(6), outcome: "started" }),
        gate: { ...gateRules, laterWaves: ["rest"], maxFailures: "10%" },
      },
      { ...gate("canary", { at: minutesAgo(8), took: 84, counts: { succeeded: canaries } }), gate: gateRules },
      ...past,
    ],
  };
}

const error = [
  "error: builder for '/nix/store/0c2v…-fleet-demo.drv' failed with exit code 1;",
  "       last 3 log lines:",
  "       > unpacking sources",
  "       > running tests",
  "       > fleet-demo.service: main process exited, code=exited, status=203/EXEC",
  "fleet-demo.service is failed",
].join("\n");

/** A rollout that its first wave halted. */
export function failed(count: number): Sample {
  const sample = rolling(count);
  const why = "1 VM failed, none may; dev-alice: health failed, rolled back: fleet-demo.service is failed";
  const gateHold = { scope: "wave:canary", revision: target, by: "the gate of wave canary", why, at: minutesAgo(3) };
  const vms = sample.vms.map(({ vm: one }, number) => {
    const old = member(one.name, person(number), number === 0 ? "canary" : (one.wave ?? "rest"), {
      revision: before,
      approved: before,
      at: minutesAgo(4_000),
    });
    if (number === 0) {
      const report = {
        revision: before,
        outcome: "failed",
        stage: "health",
        error,
        rolledBack: true,
        at: minutesAgo(3),
      };
      return member("dev-alice", "alice", "canary", report);
    }
    if (number === 2) return { ...old, reports: { system: silent, homes: {} } };
    if (number === 4) {
      const home = reading({
        revision: before,
        outcome: "failed",
        stage: "build",
        error: "attribute 'ripgrep-all' missing",
        at: minutesAgo(30),
      });
      return { ...old, reports: { ...old.reports, homes: { [person(4)]: home } } };
    }
    return old;
  });
  return {
    approvals: { canary: target, research: before, rest: before },
    control: { holds: [gateHold, ...(sample.control?.holds ?? [])] },
    vms,
    history: [
      { ...gate("canary", { at: minutesAgo(3), event: "hold", outcome: "done", why: "by the gate of wave canary" }) },
      {
        ...gate("canary", {
          at: minutesAgo(3),
          outcome: "failed",
          took: 96,
          counts: { failed: 1 },
          why: "1 VM failed, none may",
          failed: { "dev-alice": "health failed" },
        }),
        gate: gateRules,
      },
      ...past,
    ],
  };
}

/** Everything as long as it may be. */
export function longNames(): Sample {
  const long = (start: string, length: number) => start.padEnd(length, "-and-so-on");
  const user = long("a-user-with-a-long-name", 32);
  const words = "a reason that goes on and on ".repeat(20);
  const path = "/".padEnd(300, "x");
  return {
    approvals: { [long("wave-of-the-first", 30)]: target, [long("wave-of-the-last", 30)]: before },
    control: { holds: [{ ...hold("fleet"), by: long("somebody@", 90), why: words }] },
    vms: [0, 1, 2, 3].map((number) =>
      member(long(`dev-${number}`, 63), user, long(number < 2 ? "wave-of-the-first" : "wave-of-the-last", 30), {
        revision: number % 2 === 0 ? before : target,
        ...(number === 0 ? { outcome: "failed", stage: "build", error: `${path}\n${words}`, toplevel: path } : {}),
      }),
    ),
    history: [gate(long("wave-of-the-first", 30), { outcome: "failed", why: words, by: long("somebody@", 90) })],
  };
}

/** Markup wherever a VM, its user or a person can write text. */
const markup = '<img src=x onerror="window.hit=1"></script><script>window.hit=1</script>{{1}}\u2028&lt;b&gt;';

export function hostile(): Sample {
  const sample = member("dev-alice", markup, "canary", {
    revision: markup,
    outcome: "failed",
    stage: "build",
    error: markup,
    toplevel: markup,
    agent: markup,
    at: markup,
    bootedAt: markup,
  });
  return {
    approvals: { canary: target },
    control: { holds: [{ ...hold("fleet"), by: markup, why: markup, at: markup }] },
    vms: [sample],
    history: [gate(markup, { outcome: "failed", by: markup, why: markup, failed: { [markup]: markup } })],
  };
}
