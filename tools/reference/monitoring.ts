/** The Grafana dashboard of examples/monitoring, from the list of figures that the program's own dashboard shows, with its defaults. */
import { monitoringKeys } from "../../infra/config/monitoring";
import { grafanaDashboard } from "../../infra/monitoring/dashboards";
import { formatted } from "./formatted";

export const grafanaFile = "examples/monitoring/grafana-dashboard.json";

export async function grafanaExample(): Promise<string> {
  const defaults = monitoringKeys.monitoring.parse({});
  if (defaults === undefined) throw new Error("monitoring has no defaults");
  return formatted(grafanaFile, JSON.stringify(grafanaDashboard(defaults)));
}
