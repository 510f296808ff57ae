/** The figures about a fleet's updates: one list for the dashboards of Cloud Monitoring and Grafana, with a query for each. Pure. */
import type { Grown } from "./log-metrics";

export interface Figure {
  title: string;
  description: string;
  /** A number, a chart over time, a bar for each value of a label, or rows with the largest first. */
  kind: "number" | "course" | "bars" | "rows";
  /** For a number: the colour of any value but 0. */
  alarm?: "red" | "orange";
  /** The label that splits the figure into lines or bars. */
  by?: string;
  unit?: "s";
  /** The query on the metrics file that the agents write. */
  prometheus: string;
  /** The query on the metrics that count log entries: each VM writes one an hour. */
  cloud: (grown: Grown) => string;
}

const none = " or vector(0)";

export function figures({ daysBehind, silentAfter }: { daysBehind: number; silentAfter: number }): Figure[] {
  const success = "nixos_auto_update_last_success_timestamp_seconds";
  const ran = 'nixos_hm_auto_update_last_attempt_timestamp_seconds{user!=""}';
  return [
    {
      title: "VMs",
      description: "VMs whose agent writes metrics.",
      kind: "number",
      prometheus: "count(nixos_auto_update_info)",
      cloud: (grown) => `count(sum by (vm) (${grown("state", "2h")}) > 0)${none}`,
    },
    {
      title: "Failed",
      description: "VMs whose last update failed. They run their old system.",
      kind: "number",
      alarm: "red",
      prometheus: 'sum(nixos_auto_update_outcome{outcome="failed"})',
      cloud: (grown) => `count(sum by (vm) (${grown("state", "2h", 'outcome="failed"')}) > 0)${none}`,
    },
    {
      title: `Behind for ${daysBehind} days`,
      description: `VMs that have not run what they should for ${daysBehind} days.`,
      kind: "number",
      alarm: "orange",
      prometheus: `count(time() - ${success} > ${daysBehind} * 86400)${none}`,
      cloud: (grown) => `count(sum by (vm) (${grown("behind", "2h")}) > 0)${none}`,
    },
    {
      title: "Wait for a reboot",
      description: "VMs whose deployed system needs a reboot.",
      kind: "number",
      alarm: "orange",
      prometheus: "sum(nixos_auto_update_reboot_required)",
      cloud: (grown) => `count(sum by (vm) (${grown("state", "2h", 'reboot="true"')}) > 0)${none}`,
    },
    {
      title: "Homes that failed",
      description: "Homes whose last update failed. They stay as they were.",
      kind: "number",
      alarm: "orange",
      prometheus: `sum(nixos_hm_auto_update_outcome{user!="",outcome="failed"})${none}`,
      cloud: (grown) => `count(sum by (vm, user) (${grown("home-failed", "2h")}) > 0)${none}`,
    },
    {
      title: "Silent homes",
      description: `Homes that have not run for ${silentAfter / 3600} h or more although their VM asked them to.`,
      kind: "number",
      alarm: "orange",
      prometheus: `count(time() - ${ran} > ${silentAfter} and ${ran} < on (instance) group_left () ${success})${none}`,
      cloud: (grown) => `count(sum by (vm, user) (${grown("home-silent", "2h")}) > 0)${none}`,
    },
    {
      title: "Last outcome",
      description: "VMs by how their last update ended.",
      kind: "course",
      by: "outcome",
      prometheus: "sum by (outcome) (nixos_auto_update_outcome)",
      cloud: (grown) => `count by (outcome) (sum by (vm, outcome) (${grown("state", "1h")}) > 0)`,
    },
    {
      title: "Revisions",
      description: "VMs by the revision that is deployed.",
      kind: "bars",
      by: "revision",
      prometheus: "count by (revision) (nixos_auto_update_info)",
      cloud: (grown) => `count by (revision) (sum by (vm, revision) (${grown("state", "2h")}) > 0)`,
    },
    {
      title: "Longest without a good update",
      description: "Seconds since the agent last saw that what runs is what should run.",
      kind: "rows",
      unit: "s",
      prometheus: `topk(50, time() - ${success})`,
      cloud: (grown) => `topk(50, sum by (vm) (${grown("age_sum", "2h")}) / sum by (vm) (${grown("age_count", "2h")}))`,
    },
  ];
}
