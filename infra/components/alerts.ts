/**
 * What of a fleet's log entries is counted, and when a count is an alert. Pure. The entries are the agent's own
 * (`agent/report/cloud-log.ts`): NixOS has no Ops Agent that would carry the journal to Cloud Logging.
 */
import { contract } from "../../rules/contract";
import type { FleetConfig } from "../config/fleet-config";
import { metricName } from "../config/names";

type Fleet = Pick<FleetConfig, "project" | "fleet" | "stack">;
export type Monitoring = NonNullable<FleetConfig["monitoring"]>;

/** Metrics by their last word, with the filter of Cloud Logging that says what they count. */
export function logFilters(fleet: Fleet, { daysBehind }: Monitoring): Record<"alive" | "failed" | "behind", string> {
  const alive = [
    `logName="projects/${fleet.project}/logs/${contract.logging.log}"`,
    'resource.type="gce_instance"',
    `jsonPayload.fleet="${fleet.fleet}"`,
    `jsonPayload.stack="${fleet.stack}"`,
  ].join(" AND ");
  return {
    alive,
    // A network that is away is no error of an update: the agent logs it as a warning.
    failed: `${alive} AND severity>=ERROR`,
    behind: `${alive} AND jsonPayload.secondsBehind>=${daysBehind * 86_400}`,
  };
}

export interface Alert {
  name: string;
  title: string;
  severity: "ERROR" | "WARNING";
  /** PromQL, as Cloud Monitoring writes metrics in it (cloud.google.com/monitoring/promql/promql-mapping). */
  query: string;
  /** What to do about it, for who gets the notification. */
  advice: string;
}

export function alerts(fleet: Fleet, { daysBehind, silentAfter }: Monitoring): Alert[] {
  const counted = (what: string, window: string) =>
    `increase({"logging.googleapis.com/user/${metricName(fleet, what)}", monitored_resource="gce_instance"}[${window}])`;
  const labels = `metadata_user_nixos_fleet="${fleet.fleet}", metadata_user_nixos_fleet_stack="${fleet.stack}"`;
  const uptime = `{"compute.googleapis.com/instance/uptime_total", monitored_resource="gce_instance", ${labels}}`;
  return [
    {
      name: "failed",
      title: "an update failed",
      severity: "ERROR",
      query: `sum by (vm) (${counted("failed", "10m")}) > 0`,
      advice: "The VM keeps its old system. `./scripts/fleet status` shows the stage and the builder's last lines.",
    },
    {
      name: "behind",
      title: `a VM is ${daysBehind} days behind or more`,
      severity: "WARNING",
      // Longer than from one sign of life to the next.
      query: `sum by (vm) (${counted("behind", "2h")}) > 0`,
      advice: "It runs, but its last updates were held, deferred or failed. `./scripts/fleet status` shows why.",
    },
    {
      name: "silent",
      title: `a running VM has not reported for ${silentAfter / 3600} h`,
      severity: "WARNING",
      // A VM that is off is not silent.
      query:
        `(max by (instance_id, instance_name) (last_over_time(${uptime}[10m])) > ${silentAfter}) ` +
        `unless on (instance_id) (sum by (instance_id) (${counted("alive", `${silentAfter}s`)}) > 0)`,
      advice:
        "Its update agent does not run or cannot reach Cloud Logging: `journalctl -u nixos-auto-update-watch` there.",
    },
  ];
}

/** A dashboard as Monitoring takes it: a chart for each metric, and the entries themselves. */
export function dashboard(fleet: Fleet, monitoring: Monitoring): object {
  const chart = (title: string, what: string, xPos: number) => ({
    xPos,
    width: 16,
    height: 16,
    widget: {
      title,
      xyChart: {
        dataSets: [
          {
            plotType: "STACKED_BAR",
            timeSeriesQuery: {
              prometheusQuery: `sum by (vm) (increase({"logging.googleapis.com/user/${metricName(fleet, what)}", monitored_resource="gce_instance"}[1h]))`,
            },
          },
        ],
      },
    },
  });
  return {
    displayName: `nixos-fleet ${fleet.fleet}/${fleet.stack}`,
    mosaicLayout: {
      columns: 48,
      tiles: [
        chart("Failed updates an hour", "failed", 0),
        chart(`${monitoring.daysBehind} days behind or more`, "behind", 16),
        chart("Signs of life an hour", "alive", 32),
        {
          yPos: 16,
          width: 48,
          height: 24,
          widget: {
            title: "How updates ended",
            logsPanel: {
              filter: `${logFilters(fleet, monitoring).alive} AND jsonPayload.event="run"`,
              resourceNames: [`projects/${fleet.project}`],
            },
          },
        },
      ],
    },
  };
}
