/**
 * Which of a fleet's log entries are counted. Pure. The agent itself writes the entries (`agent/report/cloud-log.ts`): NixOS has no Ops
 * Agent that would send the journal to Cloud Logging.
 */
import { contract } from "../../rules/contract";
import type { FleetConfig } from "../config/fleet-config";
import { metricName } from "../config/names";

export type Fleet = Pick<FleetConfig, "project" | "fleet" | "stack">;
export type Monitoring = NonNullable<FleetConfig["monitoring"]>;
export type LogMetricName = "alive" | "failed" | "behind" | "state" | "age" | "home-failed" | "home-silent";

export interface LogMetric {
  /** In Cloud Logging's query language. */
  filter: string;
  /** Label → the field of an entry that supplies its value. */
  labels: Record<string, string>;
  /** The field whose values are collected; without it, entries are counted. */
  value?: string;
}

/** Metrics by the last part of their names. */
export function logMetrics(fleet: Fleet, { daysBehind, silentAfter }: Monitoring): Record<LogMetricName, LogMetric> {
  const all = [
    `logName="projects/${fleet.project}/logs/${contract.logging.log}"`,
    'resource.type="gce_instance"',
    `jsonPayload.fleet="${fleet.fleet}"`,
    `jsonPayload.stack="${fleet.stack}"`,
  ].join(" AND ");
  const alive = `${all} AND NOT jsonPayload.event="home"`;
  // Once an hour each VM reports its status and that of its homes.
  const sign = `${all} AND jsonPayload.event="alive"`;
  const home = `${all} AND jsonPayload.event="home"`;
  const vm = { vm: "jsonPayload.vm" };
  const user = { ...vm, user: "jsonPayload.user" };
  const state = {
    outcome: "jsonPayload.report.outcome",
    revision: "jsonPayload.report.revision",
    reboot: "jsonPayload.report.rebootRequired",
  };
  return {
    alive: { filter: alive, labels: vm },
    // An unreachable network is not an error of an update: the agent logs it as a warning.
    failed: { filter: `${alive} AND severity>=ERROR`, labels: vm },
    behind: { filter: `${alive} AND jsonPayload.secondsBehind>=${daysBehind * 86_400}`, labels: vm },
    state: { filter: sign, labels: { ...vm, ...state } },
    age: { filter: sign, labels: vm, value: "jsonPayload.secondsBehind" },
    "home-failed": { filter: `${home} AND jsonPayload.report.outcome="failed"`, labels: user },
    "home-silent": { filter: `${home} AND jsonPayload.secondsSilent>=${silentAfter}`, labels: user },
  };
}

/**
 * How much a metric grew within a time, in PromQL with Cloud Monitoring's metric names (cloud.google.com/monitoring/promql/promql-mapping).
 */
export type Grown = (
  metric: LogMetricName | `${LogMetricName}_${"sum" | "count"}`,
  within: string,
  labels?: string,
) => string;

export function grownOf(fleet: Fleet): Grown {
  return (metric, within, labels) =>
    `increase({"logging.googleapis.com/user/${metricName(fleet, metric)}", monitored_resource="gce_instance"${labels === undefined ? "" : `, ${labels}`}}[${within}])`;
}
