/** Types of Logging, Monitoring and Cloud Storage: each resource is one JSON document of one collection. */
import { isDeepStrictEqual } from "node:util";
import { isObject, text, type Props, type Value } from "../core/value";
import type { Call } from "./api";
import { decode, encode, type Fields } from "./fields";
import { labelState, LABEL_OUTPUTS, pulumiLabels } from "./labels";
import type { Scope } from "./links";
import type { Context, Kind, Settings, Update } from "./resource";
import { gone } from "./rest";

interface DocumentKind {
  token: string;
  args: Kind["args"];
  fields: Fields;
  outputs?: Fields;
  /** Path where one is created, e.g. `/monitoring/v3/projects/P/alertPolicies`. */
  collection: (project: string) => string;
  /** Path where one is read, by its id, which is its name. */
  path: (id: string, project: string) => string;
  update: "PATCH" | "PUT";
  storesFailed?: true;
  /** Has labels. The provider has separate outputs for them. */
  labels?: true;
  query?: (project: string) => Record<string, string>;
  /** The body and the outputs, if they differ from the table. */
  body?: (inputs: Props) => Props;
  state?: (answer: Props, inputs: Props) => Props;
  /** Steps before it is deleted. */
  empty?: (id: string, state: Props, context: Context) => Promise<void>;
}

function document(kind: DocumentKind): Kind {
  const stateOf = (answer: Props, inputs: Props, settings: Settings, project: string): Props => ({
    ...inputs,
    ...decode({ ...kind.fields, ...kind.outputs }, answer),
    ...kind.state?.(answer, inputs),
    ...(kind.labels ? labelState(answer, inputs, settings) : {}),
    id: answer["name"] ?? "",
    name: answer["name"] ?? "",
    project,
  });
  const bodyOf = (inputs: Props, scope: Scope, settings: Settings): Props => ({
    ...(kind.body?.(inputs) ?? encode(kind.fields, inputs, scope)),
    ...(kind.labels ? { labels: pulumiLabels(inputs, settings) } : {}),
  });
  return {
    token: kind.token,
    args: kind.args,
    ...(kind.storesFailed ? { storesFailed: true } : {}),
    fields: { ...kind.fields, ...(kind.labels ? { labels: { own: true, inPlace: true } } : {}) },
    computed: ["id", "name", ...Object.keys(kind.outputs ?? {}), ...(kind.labels ? LABEL_OUTPUTS : [])],
    create: async (inputs, scope, { api, settings }) => {
      const call: Call = {
        method: "POST",
        path: kind.collection(scope.project),
        body: bodyOf(inputs, scope, settings),
      };
      const answer = await api.send({ ...call, ...(kind.query ? { query: kind.query(scope.project) } : {}) });
      return { id: text(answer, "name") ?? "", state: stateOf(answer, inputs, settings, scope.project) };
    },
    read: async (id, inputs, { api, settings }) => {
      const project = text(inputs, "project") ?? settings.project ?? "";
      const answer = await api.find(kind.path(id, project));
      return answer && stateOf(answer, inputs, settings, project);
    },
    update: async (id, { inputs }: Update, { api, settings }) => {
      const project = text(inputs, "project") ?? settings.project ?? "";
      const body = bodyOf(inputs, { project }, settings);
      const answer = await api.send({ method: kind.update, path: kind.path(id, project), body });
      return stateOf(answer, inputs, settings, project);
    },
    delete: async (id, state, context) => {
      const path = kind.path(id, text(state, "project") ?? "");
      await gone(async () => {
        await kind.empty?.(id, state, context);
        await context.api.send({ method: "DELETE", path });
      });
    },
  };
}

const inPlace = { inPlace: true } as const;

const metric = document({
  token: "gcp:logging/metric:Metric",
  storesFailed: true,
  args: ["logging/metric.d.ts", "MetricArgs"],
  collection: (project) => `/logging/v2/projects/${project}/metrics`,
  path: (id, project) => `/logging/v2/projects/${project}/metrics/${encodeURIComponent(id)}`,
  update: "PUT",
  fields: {
    name: {},
    description: inPlace,
    disabled: inPlace,
    filter: inPlace,
    labelExtractors: inPlace,
    valueExtractor: inPlace,
    bucketOptions: {
      inPlace: true,
      of: { exponentialBuckets: { of: { growthFactor: {}, numFiniteBuckets: {}, scale: {} } } },
    },
    metricDescriptor: {
      inPlace: true,
      of: {
        displayName: {},
        metricKind: {},
        valueType: {},
        unit: { otherwise: "1" },
        labels: { of: { key: {}, description: {}, valueType: {} } },
      },
    },
  },
});

const prometheus: Fields = {
  query: {},
  duration: {},
  evaluationInterval: {},
  disableMetricValidation: {},
  labels: {},
};

const alertPolicy = document({
  token: "gcp:monitoring/alertPolicy:AlertPolicy",
  storesFailed: true,
  args: ["monitoring/alertPolicy.d.ts", "AlertPolicyArgs"],
  collection: (project) => `/monitoring/v3/projects/${project}/alertPolicies`,
  path: (id) => `/monitoring/v3/${id}`,
  update: "PATCH",
  fields: {
    displayName: inPlace,
    combiner: inPlace,
    severity: inPlace,
    enabled: { inPlace: true, otherwise: true },
    conditions: { inPlace: true, of: { displayName: {}, conditionPrometheusQueryLanguage: { of: prometheus } } },
    documentation: { inPlace: true, of: { content: {}, mimeType: { otherwise: "text/markdown" }, subject: {} } },
    alertStrategy: { inPlace: true, of: { autoClose: {} } },
    notificationChannels: { inPlace: true, unordered: true },
    userLabels: inPlace,
  },
});

const notificationChannel = document({
  token: "gcp:monitoring/notificationChannel:NotificationChannel",
  args: ["monitoring/notificationChannel.d.ts", "NotificationChannelArgs"],
  collection: (project) => `/monitoring/v3/projects/${project}/notificationChannels`,
  path: (id) => `/monitoring/v3/${id}`,
  update: "PATCH",
  fields: {
    displayName: inPlace,
    description: inPlace,
    type: inPlace,
    labels: inPlace,
    userLabels: inPlace,
    enabled: { inPlace: true, otherwise: true },
    // How to delete; only the provider reads this.
    forceDelete: { own: true, inPlace: true },
  },
});

/** Its one property is the document itself, as text. */
const dashboard = document({
  token: "gcp:monitoring/dashboard:Dashboard",
  args: ["monitoring/dashboard.d.ts", "DashboardArgs"],
  collection: (project) => `/monitoring/v1/projects/${project}/dashboards`,
  path: (id) => `/monitoring/v1/${id}`,
  update: "PATCH",
  fields: { dashboardJson: { own: true, inPlace: true, same: sameDashboard } },
  body: (inputs) => JSON.parse(text(inputs, "dashboardJson") ?? "") as Props,
  state: (answer) => ({ dashboardJson: JSON.stringify(answer) }),
});

/**
 * As the official provider compares them: what only Monitoring's text has makes no difference, what only the program's has does, even if it
 * is a zero, which Monitoring omits.
 */
function sameDashboard(now: Value, input: Value): boolean {
  if (typeof now !== "string" || typeof input !== "string") return false;
  const wanted = JSON.parse(input) as Value;
  return isDeepStrictEqual(limited(JSON.parse(now) as Value, wanted), wanted);
}

/** A value without the keys that the other one does not have. */
function limited(value: Value, other: Value | undefined): Value {
  if (Array.isArray(value)) return value.map((item, i) => limited(item, Array.isArray(other) ? other[i] : undefined));
  if (!isObject(value) || !isObject(other)) return value;
  const shared = Object.entries(value).filter(([key]) => (other[key] ?? null) !== null);
  return Object.fromEntries(shared.map(([key, item]) => [key, limited(item, other[key])]));
}

const bucket = document({
  token: "gcp:storage/bucket:Bucket",
  storesFailed: true,
  args: ["storage/bucket.d.ts", "BucketArgs"],
  collection: () => "/storage/v1/b",
  path: (id) => `/storage/v1/b/${id}`,
  query: (project) => ({ project }),
  update: "PATCH",
  labels: true,
  fields: {
    name: {},
    location: { from: (value) => value },
    storageClass: { inPlace: true, otherwise: "STANDARD" },
    uniformBucketLevelAccess: {
      inPlace: true,
      rest: "iamConfiguration.uniformBucketLevelAccess.enabled",
      computed: true,
    },
    publicAccessPrevention: { inPlace: true, rest: "iamConfiguration.publicAccessPrevention", computed: true },
    forceDestroy: { own: true, inPlace: true },
  },
  outputs: { selfLink: {} },
  // Cloud Storage answers in capitals, regardless of the request's case.
  state: (answer, inputs) => ({
    location: inputs["location"] ?? answer["location"] ?? "",
    url: `gs://${text(answer, "name") ?? ""}`,
  }),
  empty: async (id, state, { api }) => {
    if (state["forceDestroy"] !== true) return;
    const listed = await api.find(`/storage/v1/b/${id}/o`);
    const items = Array.isArray(listed?.["items"]) ? listed["items"].filter(isObject) : [];
    for (const item of items) {
      const path = `/storage/v1/b/${id}/o/${encodeURIComponent(text(item, "name") ?? "")}`;
      await api.send({ method: "DELETE", path });
    }
  },
});

export const DOCUMENT_KINDS: readonly Kind[] = [metric, alertPolicy, notificationChannel, dashboard, bucket];
