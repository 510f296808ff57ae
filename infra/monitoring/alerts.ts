/**
 * Which counts of a fleet's log entries cause an alert. Pure. Each alert is one incident for the fleet, however many VMs it is about: a bad
 * input that fails everywhere is one message. `examples/monitoring/prometheus-rules.yml` has the same for Prometheus.
 */
import { longestRetryDelay } from "../../rules/decision/retry-delay";
import { grownOf, type Fleet, type Monitoring } from "./log-metrics";

interface Alert {
  name: string;
  title: string;
  severity: "ERROR" | "WARNING";
  /** PromQL of Cloud Monitoring: how many VMs or homes it is about, if any. */
  query: string;
  /** What to do about it, for the person who gets the notification. */
  advice: string;
}

interface Cause extends Omit<Alert, "query"> {
  /** A series for each VM or home that the alert is about. */
  each: string;
}

export function alerts(fleet: Fleet, settings: Monitoring): Alert[] {
  return causes(fleet, settings).map(({ each, advice, ...alert }) => ({
    ...alert,
    query: `count(${each}) > 0`,
    advice: `${advice}\n\nThis query in Metrics Explorer names what the alert is about: \`${each}\``,
  }));
}

function causes(fleet: Fleet, { daysBehind, silentAfter }: Monitoring): Cause[] {
  const grown = grownOf(fleet);
  const labels = `metadata_user_nixos_fleet="${fleet.fleet}", metadata_user_nixos_fleet_stack="${fleet.stack}"`;
  const uptime = `{"compute.googleapis.com/instance/uptime_total", monitored_resource="gce_instance", ${labels}}`;
  const hours = silentAfter / 3600;
  // A retry that fails must find the incident open, so as not to be another one.
  const failing = `${Math.ceil(longestRetryDelay / 3600)}h`;
  return [
    {
      name: "failed",
      title: "updates failed",
      severity: "ERROR",
      each: `sum by (vm) (${grown("failed", failing)}) > 0`,
      advice:
        "The VMs keep their old system. `fleet status --failed` names those that have not recovered, with the stage and the builder's last lines.",
    },
    {
      name: "behind",
      title: `VMs are ${daysBehind} days behind or more`,
      severity: "WARNING",
      // Longer than the interval between two heartbeats.
      each: `sum by (vm) (${grown("behind", "2h")}) > 0`,
      advice:
        `They run, but their last updates were held, deferred or failed. \`fleet status --stale ${daysBehind}d\` names them, ` +
        "and `fleet show VM` says why.",
    },
    {
      name: "silent",
      title: `running VMs have not reported for ${hours} h`,
      severity: "WARNING",
      // A VM that is off does not count as silent.
      each:
        `(max by (instance_id, instance_name) (last_over_time(${uptime}[10m])) > ${silentAfter}) ` +
        `unless on (instance_id) (sum by (instance_id) (${grown("alive", `${silentAfter}s`)}) > 0)`,
      advice:
        "Their update agent does not run or cannot reach Cloud Logging: `journalctl -u nixos-auto-update-watch` there.",
    },
    {
      name: "home-failed",
      title: "updates of homes failed",
      severity: "WARNING",
      each: `sum by (vm, user) (${grown("home-failed", "2h")}) > 0`,
      advice:
        "The homes stay as they were. `fleet status --failed` names their VMs, and `fleet show VM` has the error; " +
        "only a home's own configuration may be the cause.",
    },
    {
      name: "home-silent",
      title: `homes have not run for ${hours} h since their VMs asked them to`,
      severity: "WARNING",
      each: `sum by (vm, user) (${grown("home-silent", "2h")}) > 0`,
      advice:
        "Their agents do not run: `systemctl --user --machine=USER@ status nixos-hm-auto-update` on the VM, as root.",
    },
  ];
}
