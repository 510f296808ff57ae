import * as pulumi from "@pulumi/pulumi";
import * as logging from "@pulumi/gcp/logging";
import * as monitoring from "@pulumi/gcp/monitoring";
import type { FleetConfig } from "../config/fleet-config";
import { fleetLabels } from "./metadata";
import { metricName, nameParts } from "../config/names";
import { alerts } from "../monitoring/alerts";
import { cloudDashboard } from "../monitoring/dashboards";
import { logMetrics, type LogMetric, type Monitoring } from "../monitoring/log-metrics";

/** Log-based metrics, alert policies and a dashboard about the fleet's updates, and the channels that alerts go to. */
export class FleetMonitoring extends pulumi.ComponentResource {
  constructor(
    name: string,
    { config, settings }: { config: FleetConfig; settings: Monitoring },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("nixos-fleet:infra:FleetMonitoring", name, {}, opts);
    const parent = { parent: this };
    const metrics = Object.entries(logMetrics(config, settings)).map(
      ([what, metric]) =>
        new logging.Metric(`${name}-metric-${what}`, metricArgs(metricName(config, what), metric), parent),
    );
    const parts = nameParts(settings.channels.map((channel) => channel.replace("email:", "")));
    const notificationChannels = settings.channels.map((channel, index) =>
      this.channel(`${name}-channel-${parts[index] ?? ""}`, channel),
    );
    const title = `nixos-fleet ${config.fleet}/${config.stack}`;
    for (const alert of alerts(config, settings))
      new monitoring.AlertPolicy(
        `${name}-alert-${alert.name}`,
        {
          displayName: `${title}: ${alert.title}`,
          combiner: "OR",
          severity: alert.severity,
          conditions: [
            {
              displayName: alert.title,
              conditionPrometheusQueryLanguage: {
                query: alert.query,
                // Google bills the points that each evaluation reads. VMs report once an hour, so five minutes are soon enough.
                evaluationInterval: "300s",
                // Monitoring knows a log-based metric only minutes after it is created, or with the first entry.
                disableMetricValidation: true,
              },
            },
          ],
          documentation: { content: alert.advice, mimeType: "text/markdown" },
          notificationChannels,
          userLabels: fleetLabels(config),
        },
        { parent: this, dependsOn: metrics },
      );
    new monitoring.Dashboard(
      `${name}-dashboard`,
      { dashboardJson: JSON.stringify(cloudDashboard(config, settings)) },
      { parent: this, dependsOn: metrics },
    );
    this.registerOutputs({});
  }

  /** A channel's full name: of an existing channel, or of one that is created for an address. */
  private channel(name: string, channel: string): pulumi.Input<string> {
    if (!channel.startsWith("email:")) return channel;
    const address = channel.slice("email:".length);
    return new monitoring.NotificationChannel(
      name,
      { type: "email", displayName: `nixos-fleet: ${address}`, labels: { email_address: address } },
      { parent: this },
    ).name;
  }
}

function metricArgs(name: string, { filter, labels, value }: LogMetric): logging.MetricArgs {
  const extract = (field: string) => `EXTRACT(${field})`;
  return {
    name,
    filter,
    metricDescriptor: {
      metricKind: "DELTA",
      ...(value === undefined ? { valueType: "INT64" } : { valueType: "DISTRIBUTION", unit: "s" }),
      labels: Object.keys(labels).map((key) => ({ key, valueType: "STRING" })),
    },
    labelExtractors: Object.fromEntries(Object.entries(labels).map(([label, field]) => [label, extract(field)])),
    // Google's own default, which Google returns: without it here, each preview would show its removal.
    ...(value === undefined
      ? {}
      : {
          valueExtractor: extract(value),
          bucketOptions: { exponentialBuckets: { growthFactor: 2, numFiniteBuckets: 64, scale: 0.01 } },
        }),
  };
}
