/** Image, binary cache and monitoring: every input of what they declare, and each switched on and off with no VM replaced. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestPath } from "../../rules/contract";
import { Storage } from "../../cli/google/storage";
import { alerts } from "../../infra/monitoring/alerts";
import { cloudDashboard } from "../../infra/monitoring/dashboards";
import { logMetrics } from "../../infra/monitoring/log-metrics";
import { upInPlace } from "./setup/in-place";
import { instanceMetadata } from "./setup/instance-metadata";
import { Program, type Recorded } from "./setup/program";

let program: Program;
let storage: Storage;
beforeAll(async () => {
  program = await Program.start("supply");
  storage = new Storage({ project: "local-project", endpoint: program.endpoint, identity: { accessToken: "local" } });
});
afterAll(() => program.stop());

const publicKey = `cache-1:${"A".repeat(43)}=`;
const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "supply" };

const up = (more: object = {}) => upInPlace(program, more, [{ name: "dev-alice" }]);

/** What is declared now beyond the plain stack. */
function added(): Record<string, Recorded> {
  const all = Object.entries(program.resources());
  return Object.fromEntries(all.filter(([name]) => !plain.includes(name)));
}

/** An API that only an optional part takes. */
const api = (name: string): Record<string, Recorded> => ({
  [`devs-api-${name}`]: [
    "gcp:projects/service:Service",
    { service: `${name}.googleapis.com`, disableOnDestroy: false },
  ],
});

let plain: string[] = [];
beforeAll(async () => {
  await up();
  plain = Object.keys(program.resources());
});

describe("the image", () => {
  const image = (name: string): Recorded => [
    "gcp:compute/image:Image",
    {
      name,
      family: "nixos-fleet",
      rawDisk: { source: `https://storage.googleapis.com/acme-images/${name}.raw.tar.gz` },
      guestOsFeatures: [{ type: "UEFI_COMPATIBLE" }, { type: "GVNIC" }],
      labels,
    },
  ];
  const configured = (name: string) => ({ "nixos-fleet:image": { source: `gs://acme-images/${name}.raw.tar.gz` } });

  it("is made of an archive, follows the next one, and no VM with it; a preview tells which VMs run an older one", async () => {
    await storage.requirePrivateBucket("acme-images", "europe-west1");
    for (const name of ["nixos-fleet-aaaaaaa", "nixos-fleet-bbbbbbb"])
      await storage.write("acme-images", `${name}.raw.tar.gz`, name, "application/gzip");
    await up(configured("nixos-fleet-aaaaaaa"));
    expect(added()).toEqual({ ...api("storage"), "devs-nixos-fleet-aaaaaaa": image("nixos-fleet-aaaaaaa") });

    await up(configured("nixos-fleet-bbbbbbb"));
    expect(added()).toEqual({ ...api("storage"), "devs-nixos-fleet-bbbbbbb": image("nixos-fleet-bbbbbbb") });

    const { text } = await program.run("preview");
    expect(text).toContain(
      "made from an older image than their family's newest: dev-alice (nixos-fleet-v20260601, not nixos-fleet-bbbbbbb)",
    );
    await up();
    expect(added()).toEqual({});
    expect((await program.run("preview")).text).not.toContain("older image");
  });
});

describe("the cache", () => {
  const configured = { "nixos-fleet:cache": { bucket: "acme-cache", publicKey } };

  it("is a private bucket that the VMs read; approvals name the manifest once there is one", async () => {
    expect(await up(configured)).toMatch(/no one has built [0-9a-f]{7} into the cache/);
    expect(added()).toEqual({
      ...api("storage"),
      "devs-cache": [
        "gcp:storage/bucket:Bucket",
        {
          name: "acme-cache",
          location: "europe-west1",
          uniformBucketLevelAccess: true,
          publicAccessPrevention: "enforced",
          labels,
          forceDestroy: true,
        },
      ],
      "devs-cache-reader": [
        "gcp:storage/bucketIAMMember:BucketIAMMember",
        {
          bucket: "acme-cache",
          role: "roles/storage.objectViewer",
          member: "serviceAccount:fleet-devs-supply@local-project.iam.gserviceaccount.com",
        },
      ],
    });
    const url = "https://storage.googleapis.com/acme-cache";
    expect(instanceMetadata(program)).toMatchObject({ cache: { url, publicKey } });

    const manifest = '{"dev-alice":"/nix/store/00000000000000000000000000000000-system"}\n';
    const name = manifestPath(await program.head());
    await storage.write("acme-cache", name, manifest, "application/json");
    await up(configured);
    const [, approval] = program.resources()["devs-all-approval"] ?? [];
    expect(JSON.parse(String(approval?.["value"]))).toMatchObject({
      revision: await program.head(),
      manifest: { url: `${url}/${name}`, sha256: createHash("sha256").update(manifest).digest("hex") },
    });

    await up();
    expect(added()).toEqual({});
    expect(instanceMetadata(program)).not.toHaveProperty("cache");
    expect(program.cloud.store.state.buckets).not.toHaveProperty("acme-cache");
  });
});

describe("monitoring", () => {
  const fleet = { project: "local-project", fleet: "devs", stack: "supply" };
  const expected = (settings: { channels: string[]; daysBehind: number; silentAfter: number }) => ({
    ...api("monitoring"),
    ...Object.fromEntries(
      Object.entries(logMetrics(fleet, settings)).map(([what, { filter, labels: read, value }]): [string, Recorded] => [
        `devs-metric-${what}`,
        [
          "gcp:logging/metric:Metric",
          {
            name: `nixos-fleet/devs/supply/${what}`,
            filter,
            metricDescriptor: {
              metricKind: "DELTA",
              ...(what === "age" ? { valueType: "DISTRIBUTION", unit: "s" } : { valueType: "INT64" }),
              labels: Object.keys(read).map((key) => ({ key, valueType: "STRING" })),
            },
            labelExtractors: Object.fromEntries(
              Object.entries(read).map(([label, field]) => [label, `EXTRACT(${field})`]),
            ),
            ...(what === "age"
              ? {
                  valueExtractor: `EXTRACT(${value ?? ""})`,
                  bucketOptions: { exponentialBuckets: { growthFactor: 2, numFiniteBuckets: 64, scale: 0.01 } },
                }
              : {}),
          },
        ],
      ]),
    ),
    ...Object.fromEntries(
      alerts(fleet, settings).map(({ name, title, severity, query, advice }): [string, Recorded] => [
        `devs-alert-${name}`,
        [
          "gcp:monitoring/alertPolicy:AlertPolicy",
          {
            displayName: `nixos-fleet devs/supply: ${title}`,
            combiner: "OR",
            severity,
            conditions: [
              {
                displayName: title,
                conditionPrometheusQueryLanguage: { query, evaluationInterval: "300s", disableMetricValidation: true },
              },
            ],
            documentation: { content: advice, mimeType: "text/markdown" },
            notificationChannels: settings.channels,
            userLabels: labels,
          },
        ],
      ]),
    ),
    "devs-dashboard": [
      "gcp:monitoring/dashboard:Dashboard",
      { dashboardJson: JSON.stringify(cloudDashboard(fleet, settings)) },
    ],
  });

  it("counts, alerts and shows; other limits change it in place", async () => {
    await up({ "nixos-fleet:monitoring": {} });
    expect(added()).toEqual(expected({ channels: [], daysBehind: 3, silentAfter: 6 * 3600 }));
    expect(instanceMetadata(program)).toMatchObject({ monitoring: true });

    const existing = "projects/local-project/notificationChannels/7";
    const channels = ["email:infra@example.com", existing];
    await up({ "nixos-fleet:monitoring": { channels, daysBehind: 7, silentAfter: "12h" } });
    const { "devs-channel-infra-example-com": channel, ...rest } = added();
    expect(channel).toEqual([
      "gcp:monitoring/notificationChannel:NotificationChannel",
      {
        type: "email",
        displayName: "nixos-fleet: infra@example.com",
        labels: { email_address: "infra@example.com" },
      },
    ]);
    const made = Object.keys(program.cloud.store.state.documents ?? {}).find((path) =>
      path.includes("/notificationChannels/"),
    );
    const settings = { channels: [made ?? "", existing], daysBehind: 7, silentAfter: 12 * 3600 };
    expect(rest).toEqual(expected(settings));

    await up();
    expect(added()).toEqual({});
    expect(instanceMetadata(program)).not.toHaveProperty("monitoring");
    expect(program.cloud.store.state.documents).toEqual({});
  });
});
