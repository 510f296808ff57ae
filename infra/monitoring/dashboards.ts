/** The figures as dashboards for Cloud Monitoring and for Grafana. Pure. */
import { figures, type Figure } from "./figures";
import { grownOf, logMetrics, type Fleet, type Monitoring } from "./log-metrics";

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/**
 * The layout of the figures, on a grid of 24 columns: numbers in the first row, then two charts in each row, then rows of the full width.
 */
function places(all: readonly Figure[]): Box[] {
  const numbers = all.filter(({ kind }) => kind === "number").length;
  const charts = all.filter(({ kind }) => kind === "course" || kind === "bars").length;
  const w = 24 / numbers;
  return all.map((figure, index) => {
    if (figure.kind === "number") return { x: index * w, y: 0, w, h: 4 };
    const chart = index - numbers;
    if (figure.kind !== "rows") return { x: (chart % 2) * 12, y: 4 + Math.floor(chart / 2) * 9, w: 12, h: 9 };
    return { x: 0, y: 4 + Math.ceil(charts / 2) * 9 + (chart - charts) * 10, w: 24, h: 10 };
  });
}

/**
 * The dashboard in Monitoring's format: the figures, and below them the log entries themselves. Without zeros: Monitoring omits them, and the
 * provider would show each one as a difference at every run.
 */
export function cloudDashboard(fleet: Fleet, monitoring: Monitoring): object {
  const all = figures(monitoring);
  const grown = grownOf(fleet);
  const boxes = places(all);
  const tiles = all.map((figure, index) => {
    const { x = 0, y = 0, w = 24, h = 10 } = boxes[index] ?? {};
    return { ...tile({ x, y, w, h }), widget: { title: figure.title, ...widget(figure, figure.cloud(grown)) } };
  });
  const bottom = Math.max(...boxes.map(({ y, h }) => y + h));
  const entries = {
    title: "How updates ended",
    logsPanel: {
      filter: `${logMetrics(fleet, monitoring).alive.filter} AND jsonPayload.event="run"`,
      resourceNames: [`projects/${fleet.project}`],
    },
  };
  return {
    displayName: `nixos-fleet ${fleet.fleet}/${fleet.stack}`,
    mosaicLayout: { columns: 48, tiles: [...tiles, { ...tile({ x: 0, y: bottom, w: 24, h: 12 }), widget: entries }] },
  };
}

/** Monitoring's grid has 48 columns. */
const tile = ({ x, y, w, h }: Box) => ({
  ...(x === 0 ? {} : { xPos: 2 * x }),
  ...(y === 0 ? {} : { yPos: 2 * y }),
  width: 2 * w,
  height: 2 * h,
});

function widget({ kind, alarm }: Figure, prometheusQuery: string): object {
  const timeSeriesQuery = { prometheusQuery };
  switch (kind) {
    case "number": {
      const color = alarm === "red" ? "RED" : "YELLOW";
      // Above 0.
      const thresholds = alarm === undefined ? {} : { thresholds: [{ direction: "ABOVE", color }] };
      return { scorecard: { timeSeriesQuery, ...thresholds } };
    }
    case "course":
      return { xyChart: { dataSets: [{ plotType: "STACKED_AREA", timeSeriesQuery }] } };
    case "bars":
    case "rows":
      return { timeSeriesTable: { dataSets: [{ timeSeriesQuery }], metricVisualization: "BAR" } };
  }
}

/** The dashboard in Grafana's import format. */
export function grafanaDashboard(limits: { daysBehind: number; silentAfter: number }): object {
  const all = figures(limits);
  const boxes = places(all);
  return {
    title: "nixos-fleet",
    uid: "nixos-fleet",
    description: "The agents' metrics file of node_exporter's textfile collector.",
    schemaVersion: 39,
    editable: true,
    timezone: "browser",
    refresh: "1m",
    time: { from: "now-7d", to: "now" },
    tags: ["nixos-fleet"],
    templating: { list: [{ name: "source", label: "Prometheus", type: "datasource", query: "prometheus" }] },
    panels: all.map((figure, index) => ({ id: index + 1, ...panel(figure), gridPos: boxes[index] })),
  };
}

function panel({ title, description, kind, alarm, by, unit, prometheus }: Figure): object {
  const datasource = { type: "prometheus", uid: "${source}" };
  const target = {
    refId: "A",
    datasource,
    expr: prometheus,
    legendFormat: by === undefined ? "" : `{{${by}}}`,
    ...(kind === "rows" ? { format: "table" } : {}),
    instant: kind !== "course",
  };
  const common = { title, description, datasource, targets: [target] };
  const reduceOptions = { calcs: ["lastNotNull"] };
  switch (kind) {
    case "number": {
      const steps = [
        { color: alarm === undefined ? "text" : "green", value: null },
        ...(alarm === undefined ? [] : [{ color: alarm, value: 1 }]),
      ];
      const defaults = { thresholds: { mode: "absolute", steps }, color: { mode: "thresholds" } };
      const options = { reduceOptions, colorMode: "value", graphMode: "none" };
      return { type: "stat", ...common, fieldConfig: { defaults, overrides: [] }, options };
    }
    case "course": {
      const custom = { stacking: { mode: "normal" }, fillOpacity: 30 };
      return { type: "timeseries", ...common, fieldConfig: { defaults: { custom }, overrides: [] } };
    }
    case "bars": {
      const options = { orientation: "horizontal", displayMode: "basic", reduceOptions };
      return { type: "bargauge", ...common, options };
    }
    case "rows":
      return { type: "table", ...common, fieldConfig: { defaults: { unit }, overrides: [] } };
  }
}
