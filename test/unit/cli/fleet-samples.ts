/** VMs, reports and decisions for the tests of the operator's tool. */
import { approvalKey, controlKey } from "../../../rules/contract";
import type { Approval } from "../../../rules/rollout/approval";
import type { Decisions, FleetVm } from "../../../cli/fleet";
import { type Control, noControl } from "../../../rules/rollout/control-item";
import type { Report } from "../../../rules/report";
import type { Reading, VmReports } from "../../../rules/report-reading";

export const old = "a".repeat(40);
export const good = "b".repeat(40);
export const other = "c".repeat(40);
const lock = "0".repeat(64);

export function approval(revision: string): Approval {
  return { revision, lock };
}

/** What differs from a good report; undefined leaves a field out. */
type Changes = { [Field in keyof Report]?: Report[Field] | undefined };

export function report(changes: Changes = {}): Report {
  const fields = {
    revision: good,
    approved: good,
    lock,
    toplevel: "/nix/store/x-nixos",
    outcome: "updated",
    rolledBack: false,
    rebootRequired: false,
    at: "2026-01-01T12:00:00Z",
    bootedAt: "2026-01-01T08:00:00Z",
    agent: "0.1.0",
    ...changes,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as unknown as Report;
}

export function reading(changes: Changes = {}): Reading {
  return { kind: "report", report: report(changes) };
}

export const silent: Reading = { kind: "none" };

export function reports(system: Reading, homes: Record<string, Reading> = {}): VmReports {
  return { system, homes };
}

export function vm(name: string, changes: Partial<FleetVm> = {}): FleetVm {
  const fields = { name, zone: "z1", state: "RUNNING", wave: "rest", owner: null, homes: [], host: name };
  const { wave = "rest", follow = "branch", homes = [] } = changes;
  const item = { fleet: "devs", stack: "dev", host: name, repository: "https://x/y", branch: "main", follow, homes };
  return {
    ...fields,
    follow,
    item: JSON.stringify(wave === null ? item : { ...item, wave }),
    ...changes,
  };
}

export function decisions(approvals: Record<string, string>, control: Partial<Control> = {}): Decisions {
  const entries = Object.entries(approvals).map(([wave, revision]) => [wave, approval(revision)] as const);
  const items = entries.map(([wave, one]) => [approvalKey("devs", "dev", wave), JSON.stringify(one)] as const);
  return {
    approvals: Object.fromEntries(entries),
    control: { ...noControl, ...control },
    problems: [],
    unknown: [],
    metadata: { ...Object.fromEntries(items), [controlKey("devs", "dev")]: JSON.stringify(control) },
  };
}

export function hold(scope: string, revision?: string): Control["holds"][number] {
  return {
    scope,
    by: "eve@desk",
    why: "demo",
    at: "2026-01-01T11:00:00Z",
    ...(revision === undefined ? {} : { revision }),
  };
}
