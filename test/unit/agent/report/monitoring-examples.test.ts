/** Both dashboards and both kinds of alerts ask for metrics that are there, with labels that these have, and say the same. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { metrics } from "../../../../agent/report/metrics";
import { alerts } from "../../../../infra/monitoring/alerts";
import { retryDelay } from "../../../../rules/decision/retry-delay";
import { cloudDashboard } from "../../../../infra/monitoring/dashboards";
import { logMetrics, type LogMetricName } from "../../../../infra/monitoring/log-metrics";
import { grafanaExample, grafanaFile } from "../../../../tools/reference/monitoring";

const project = resolve(__dirname, "../../../..");
const rulesFile = join(project, "examples/monitoring/prometheus-rules.yml");
const read = (file: string) => readFileSync(join(project, file), "utf8");

interface Rule {
  alert: string;
  expr: string;
}
const { groups } = parse(readFileSync(rulesFile, "utf8")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

interface Panel {
  title: string;
  targets: { expr: string }[];
}
const { panels } = JSON.parse(read(grafanaFile)) as { panels: Panel[] };

const written = metrics("nixos-auto-update", {}) + metrics("nixos-hm-auto-update", {}, "alice");
const fleet = { project: "acme", fleet: "devs", stack: "dev" };
const settings = { channels: [], daysBehind: 3, silentAfter: 6 * 3600 };

/** Series that an expression selects: a metric, and the labels that it names. */
const selected = (expr: string) =>
  [...expr.matchAll(/\b(nixos_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = "", labels = ""]) => [name, [...labels.matchAll(/(\w+)!?=/g)].map(([, label]) => label)] as const,
  );

const declared = logMetrics(fleet, settings);
const dashboard = cloudDashboard(fleet, settings) as {
  mosaicLayout: {
    columns: number;
    tiles: { xPos?: number; yPos?: number; width: number; height: number; widget: { title: string } }[];
  };
};
const { columns, tiles } = dashboard.mosaicLayout;

const queries = [
  ...alerts(fleet, settings).map(({ name, query }) => [`the alert ${name}`, query] as const),
  ...tiles.flatMap(({ widget }) => {
    const [, query] = /"prometheusQuery":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(widget)) ?? [];
    return query === undefined ? [] : [[widget.title, JSON.parse(query) as string] as const];
  }),
];

describe("for Prometheus", () => {
  it.each([
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
    ...panels.map(({ title, targets }) => [title, targets[0]?.expr ?? ""] as const),
  ])("%s asks for metrics that are written", (_, expr) => {
    const series = selected(expr);
    expect(series.length).toBeGreaterThan(0);
    const by = [...expr.matchAll(/\bby \((\w+)\)/g)].map(([, label]) => label);
    for (const [name, labels] of series) {
      const lines = written.split("\n").filter((line) => new RegExp(`^${name}[{ ]`).test(line));
      expect(lines, name).not.toEqual([]);
      for (const label of [...labels, ...by]) expect(lines[0]).toContain(`${label}="`);
    }
  });

  it("the dashboard is as the list of figures says; ./scripts/docs writes it", async () => {
    expect(read(grafanaFile)).toBe(await grafanaExample());
  });
});

describe("for Cloud Monitoring", () => {
  it("the dashboard shows the figures of the Grafana dashboard, and what was logged", () => {
    expect(tiles.map(({ widget }) => widget.title)).toEqual([...panels.map(({ title }) => title), "How updates ended"]);
  });

  it("no tile is over another, or beyond the grid", () => {
    const cells = tiles.flatMap(({ xPos = 0, yPos = 0, width, height }) =>
      Array.from(
        { length: width * height },
        (_, cell) => `${xPos + (cell % width)},${yPos + Math.floor(cell / width)}`,
      ),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { xPos = 0, width } of tiles) expect(xPos + width).toBeLessThanOrEqual(columns);
  });

  it.each(queries)("%s asks for metrics that are declared", (_, query) => {
    const asked = [
      ...query.matchAll(/"logging\.googleapis\.com\/user\/nixos-fleet\/devs\/dev\/([\w-]+?)(_sum|_count)?"[^}]*\}/g),
    ];
    expect(asked.length).toBeGreaterThan(0);
    for (const [selector, name = "", suffix] of asked) {
      const metric = declared[name as LogMetricName];
      expect(metric.value === undefined).toBe(suffix === undefined);
      const matched = [...selector.matchAll(/, (\w+)="/g)].map(([, label = ""]) => label);
      const grouped = [...query.matchAll(/sum by \(([^)]*)\) \(increase/g)].flatMap(([, labels = ""]) =>
        labels.split(", "),
      );
      const own = [...Object.keys(metric.labels), "monitored_resource", "instance_id"];
      for (const label of [...matched, ...grouped]) expect(own).toContain(label);
    }
  });

  it.each(alerts(fleet, settings))("$name is one incident for the fleet, not one for each VM", ({ query, advice }) => {
    expect(query).toMatch(/^count\(.*\) > 0$/);
    const [, each = ""] = /^count\((.*)\) > 0$/.exec(query) ?? [];
    expect(advice).toContain(`names what the alert is about: \`${each}\``);
  });

  it("a retry that fails opens no incident of its own", () => {
    const [, hours] = /\[(\d+)h\]/.exec(alerts(fleet, settings)[0]?.query ?? "") ?? [];
    expect(Number(hours) * 3600).toBeGreaterThan(retryDelay(1_000, 15, 1));
  });

  it("each alert has its rule for Prometheus, where a VM that is silent has no metrics at all", () => {
    const ruleOf: Record<string, string> = {
      failed: "NixosUpdateFailed",
      behind: "NixosUpdateBehind",
      "home-failed": "NixosHomeUpdateFailed",
      "home-silent": "NixosHomeSilent",
    };
    const names = alerts(fleet, settings).map(({ name }) => name);
    expect(names.filter((name) => !(name in ruleOf))).toEqual(["silent"]);
    expect(rules.map(({ alert }) => alert)).toEqual(expect.arrayContaining(Object.values(ruleOf)));
  });
});

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

describe.skipIf(!hasPromtool)("promtool", () => {
  const labels = (user: string) => `instance="dev-1",user="${user}"`;
  const attempt = "nixos_hm_auto_update_last_attempt_timestamp_seconds";
  const firing = (eval_time: string, alertname: string, ...about: Record<string, string>[]) => ({
    eval_time,
    alertname,
    exp_alerts: about.map((own) => ({ exp_labels: { severity: "warning", instance: "dev-1", ...own } })),
  });
  /** Rows of a table over time, a minute each. */
  const tests = [
    {
      interval: "1m",
      input_series: [
        { series: 'nixos_auto_update_outcome{instance="dev-1",outcome="failed"}', values: "1x30" },
        { series: `nixos_hm_auto_update_outcome{${labels("alice")},outcome="failed"}`, values: "0x5 1x25" },
        { series: `nixos_hm_auto_update_outcome{${labels("bob")},outcome="failed"}`, values: "0x30" },
      ],
      alert_rule_test: [
        firing("9m", "NixosUpdateFailed"),
        firing("12m", "NixosUpdateFailed", { outcome: "failed" }),
        firing("12m", "NixosHomeUpdateFailed"),
        firing("20m", "NixosHomeUpdateFailed", { outcome: "failed", user: "alice" }),
      ],
    },
    {
      // The system succeeds at 1 h and every two hours after that; alice's home ran before that, bob's a minute after each.
      interval: "1m",
      input_series: [
        {
          series: 'nixos_auto_update_last_success_timestamp_seconds{instance="dev-1"}',
          values: "0x59 3600x119 10800x119 18000x200",
        },
        { series: `${attempt}{${labels("alice")}}`, values: "60x499" },
        { series: `${attempt}{${labels("bob")}}`, values: "60x60 3660x119 10860x119 18060x199" },
      ],
      alert_rule_test: [firing("6h", "NixosHomeSilent"), firing("7h5m", "NixosHomeSilent", { user: "alice" })],
      promql_expr_test: panels
        .filter(({ title }) => title === "Silent homes")
        .flatMap(({ targets }) =>
          (["2h", "7h5m"] as const).map((eval_time, index) => ({
            expr: targets[0]?.expr,
            eval_time,
            exp_samples: [{ labels: "{}", value: index }],
          })),
        ),
    },
  ];

  it("understands every query; Google writes names of metrics as Prometheus does from version 3", () => {
    const scratch = mkdtempSync(join(tmpdir(), "promtool-"));
    try {
      const plain = queries.map(([, query]) => query.replaceAll(/\{"[^"]*", /g, "google{"));
      const all = [...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)), ...plain];
      const file = join(scratch, "queries.json");
      const check = (exprs: string[]) => {
        const records = exprs.map((expr, index) => ({ record: `query_${index}`, expr }));
        writeFileSync(file, JSON.stringify({ groups: [{ name: "queries", rules: records }] }));
        return spawnSync("promtool", ["check", "rules", file], { encoding: "utf8" });
      };
      expect(check(all)).toMatchObject({ status: 0, stderr: "" });
      expect(check(["count(google{}"]).status).not.toBe(0);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  it("finds nothing wrong with the rules, and they fire for what they say", () => {
    const scratch = mkdtempSync(join(tmpdir(), "promtool-"));
    try {
      execFileSync("promtool", ["check", "rules", rulesFile]);
      const file = join(scratch, "tests.yml");
      // JSON is YAML. The texts are for people: names and users are compared.
      const stripped = join(scratch, "rules.json");
      const bare = groups.map((group) => ({
        name: "fleet",
        rules: group.rules.map((rule) => ({ ...rule, annotations: {} })),
      }));
      writeFileSync(stripped, JSON.stringify({ groups: bare }));
      writeFileSync(file, JSON.stringify({ rule_files: [stripped], evaluation_interval: "1m", tests }));
      const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
      expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining("SUCCESS")]);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
