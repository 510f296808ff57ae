/** Which counts of a fleet's log entries cause an alert. Pure. `examples/monitoring/prometheus-rules.yml` has the same for Prometheus. */
import { grownOf, type Fleet, type Monitoring } from "./log-metrics";

interface Alert {
  name: string;
  title: string;
  severity: "ERROR" | "WARNING";
  /** PromQL of Cloud Monitoring. */
  query: string;
  /** What to do about it, for the person who gets the notification. */
  advice: string;
}

export function alerts(fleet: Fleet, { daysBehind, silentAfter }: Monitoring): Alert[] {
  const grown = grownOf(fleet);
  const labels = `metadata_user_nixos_fleet="${fleet.fleet}", metadata_user_nixos_fleet_stack="${fleet.stack}"`;
  const uptime = `{"compute.googleapis.com/instance/uptime_total", monitored_resource="gce_instance", ${labels}}`;
  const hours = silentAfter / 3600;
  return [
    {
      name: "failed",
      title: "an update failed",
      severity: "ERROR",
      query: `sum by (vm) (${grown("failed", "10m")}) > 0`,
      advice: "The VM keeps its old system. `fleet status` shows the stage and the builder's last lines.",
    },
    {
      name: "behind",
      title: `a VM is ${daysBehind} days behind or more`,
      severity: "WARNING",
      // Longer than the interval between two heartbeats.
      query: `sum by (vm) (${grown("behind", "2h")}) > 0`,
      advice: "It runs, but its last updates were held, deferred or failed. `fleet status` shows why.",
    },
    {
      name: "silent",
      title: `a running VM has not reported for ${hours} h`,
      severity: "WARNING",
      // A VM that is off does not count as silent.
      query:
        `(max by (instance_id, instance_name) (last_over_time(${uptime}[10m])) > ${silentAfter}) ` +
        `unless on (instance_id) (sum by (instance_id) (${grown("alive", `${silentAfter}s`)}) > 0)`,
      advice:
        "Its update agent does not run or cannot reach Cloud Logging: `journalctl -u nixos-auto-update-watch` there.",
    },
    {
      name: "home-failed",
      title: "a home's update failed",
      severity: "WARNING",
      query: `sum by (vm, user) (${grown("home-failed", "2h")}) > 0`,
      advice:
        "The home stays as it was. `fleet show VM` has the error; only its user's configuration may be the cause.",
    },
    {
      name: "home-silent",
      title: `a home has not run for ${hours} h since its VM asked it to`,
      severity: "WARNING",
      query: `sum by (vm, user) (${grown("home-silent", "2h")}) > 0`,
      advice:
        "Its agent does not run: `systemctl --user --machine=USER@ status nixos-hm-auto-update` on the VM, as root.",
    },
  ];
}
