/**
 * Two stacks of one fleet side by side in one project, the one with every optional part: neither knows of the other. And what the whole
 * declares, against the tables of docs/google.md.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Storage } from "../../cli/google/storage";
import { policyOf } from "../../local/api/services/iam";
import { Program, type Recorded } from "./setup/program";

let prod: Program;
let staging: Program;
beforeAll(async () => {
  prod = await Program.start("prod");
  staging = await prod.beside("staging");
});
afterAll(() => prod.stop());

const IMAGE = "nixos-fleet-aaaaaaa";
const common = {
  "nixos-fleet:deletionProtection": "false",
  "nixos-fleet:teams": { infra: ["group:infra@example.com"], developers: ["group:devs@example.com"] },
  "nixos-fleet:defaults": { homeDisk: {} },
  "nixos-fleet:snapshots": {},
  "nixos-fleet:schedules": [{ name: "nights", stop: "0 20 * * *", timeZone: "UTC", rest: true }],
  "nixos-fleet:monitoring": { channels: ["email:infra@example.com"] },
  "nixos-fleet:deployKeySecrets": { "git.example.com": "libs-key" },
};
const cache = (place: { bucket: string } | { existingBucket: string }) => ({
  "nixos-fleet:cache": { ...place, publicKey: `cache-1:${"A".repeat(43)}=` },
});
const whole = {
  ...common,
  ...cache({ bucket: "acme-prod" }),
  "nixos-fleet:vms": [{ name: "dev-alice" }],
  "nixos-fleet:image": { source: `gs://acme-images/${IMAGE}.raw.tar.gz` },
};
// Unlike Google's, all networks of the local cloud share one space of addresses.
const elsewhere = { "nixos-fleet:network": { cidr: "10.129.0.0/20" } };
// Builds for one stack are there for the other's VMs, too.
const shared = cache({ existingBucket: "acme-prod" });
const beside = {
  ...common,
  ...elsewhere,
  ...cache({ bucket: "acme-staging" }),
  "nixos-fleet:vms": [{ name: "dev-bob" }],
  // Another account takes a stop.
  "nixos-fleet:allowStopping": "true",
};

async function up(stack: Program): Promise<Record<string, Recorded>> {
  const { exitCode, text } = await stack.run("up");
  expect(exitCode, text).toBe(0);
  expect(await stack.changes()).toEqual({});
  return stack.resources();
}

/** The words in code of a column of the table under a heading of docs/google.md. */
function table(heading: string, column: number): string[] {
  const text = readFileSync(join(resolve(__dirname, "../.."), "docs/google.md"), "utf8");
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|") && !line.startsWith("| -"));
  const cells = rows.slice(1).map((line) => line.split("|")[column] ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word)).sort();
}

const unique = (words: string[]) => [...new Set(words)].sort();
const inputs = (resources: Record<string, Recorded>, key: string) =>
  unique(Object.values(resources).flatMap(([, { [key]: value }]) => (typeof value === "string" ? [value] : [])));

const BUCKET = "b/acme-prod";
const SECRET = "projects/local-project/secrets/libs-key";

/** The stacks whose VMs' account may read a bucket or a secret. */
const readers = (resource: string) => {
  const { bindings } = policyOf(prod.cloud.store, resource) as { bindings: { members: string[] }[] };
  return bindings.flatMap(({ members }) => members.map((member) => /-devs-(\w+)@/.exec(member)?.[1])).sort();
};

/** Everyone who may read the project, which gcloud requires before it connects. */
function projectReaders(): string[] {
  const { iam } = prod.cloud.store.state;
  const bindings = iam?.policies["projects/local-project"] ?? [];
  const reads = (role: unknown) => iam?.roles?.[String(role)]?.includedPermissions.includes("compute.projects.get");
  return bindings.flatMap(({ role, members }) => (reads(role) === true ? (members as string[]) : [])).sort();
}

describe("two stacks", () => {
  it("come into a new project one after the other, and the docs name all that they make", async () => {
    const enabled = prod.outage("new");
    const storage = new Storage({
      project: "local-project",
      endpoint: prod.endpoint,
      identity: { accessToken: "local" },
    });
    await storage.requirePrivateBucket("acme-images", "europe-west1");
    await storage.write("acme-images", `${IMAGE}.raw.tar.gz`, IMAGE, "application/gzip");
    prod.cloud.store.state.secrets = {
      "libs-key": { createTime: "2026-06-01T10:00:00.000Z", replication: {}, labels: {}, versions: [] },
    };
    prod.configure(whole);
    await prod.keep("nixos-fleet:deployKey", "planted");
    const declared = await up(prod);
    enabled();

    // gcp:compute/instance:Instance → compute.Instance
    const types = Object.values(declared).map(([type]) => type.replace(/^gcp:(\w+)\/\w+:/, "$1."));
    const named = types.map((type) => type.replace(/^command:local:/, "command.local."));
    // Triggers take a VM that answers SSH.
    expect(table("Resources", 1)).toEqual(unique([...named, "command.remote.Command"]));
    const policies = inputs(declared, "policyData").flatMap((text) =>
      (JSON.parse(text) as { bindings: { role: string }[] }).bindings.map(({ role }) => role),
    );
    const roles = unique([...inputs(declared, "role"), ...policies]).map((role) => role.replace(/^roles\//, ""));
    const custom = Object.values(declared).flatMap(([, { permissions = [] }]) => permissions as string[]);
    expect(table("Roles", 1)).toEqual(unique([...roles.filter((role) => !role.includes("/roles/")), ...custom]));
    expect(table("APIs", 1)).toEqual(inputs(declared, "service"));
  });

  it("do not meet: neither changes the other, by coming or by going", async () => {
    const people = ["group:devs@example.com", "group:infra@example.com"];
    expect(projectReaders()).toEqual(people);
    staging.configure(beside);
    await up(staging);
    expect(projectReaders()).toEqual([...people, ...people].sort());
    expect(await prod.changes()).toEqual({});
    expect(prod.approved("all")).toBe(await prod.head());
    expect(staging.approved("all")).toBe(await prod.head());

    staging.configure({ ...beside, ...shared });
    const declared = await up(staging);
    expect(inputs(declared, "bucket")).toEqual(["acme-prod"]);
    expect(Object.values(declared).map(([type]) => type)).not.toContain("gcp:storage/bucket:Bucket");
    expect(readers(BUCKET)).toEqual(["prod", "staging"]);
    expect(await prod.changes()).toEqual({});

    // With one account too, each stack has its own right.
    const [account] = inputs(prod.resources(), "accountId");
    const one = { "nixos-fleet:serviceAccount": `${account ?? ""}@local-project.iam.gserviceaccount.com` };
    staging.configure({ ...beside, ...shared, ...one });
    await up(staging);
    for (const resource of [BUCKET, SECRET]) expect(readers(resource)).toEqual(["prod", "prod"]);
    staging.configure(beside);
    await up(staging);
    expect(readers(BUCKET)).toEqual(["prod"]);
    expect(readers(SECRET)).toEqual(["prod", "staging"]);
  });

  it("do not take a bucket for an existing one that is their own, or that is not there", async () => {
    for (const [bucket, why] of [
      ["acme-staging", "is the bucket that this stack created; name it as cache.bucket"],
      ["acme-nowhere", "does not exist; name an existing bucket, or set cache.bucket to create it"],
    ] as const) {
      staging.configure({ ...beside, ...cache({ existingBucket: bucket }) });
      const { exitCode, text } = await staging.run("preview");
      expect(exitCode).not.toBe(0);
      expect(text).toContain(`nixos-fleet:cache.existingBucket: "${bucket}" ${why}`);
    }
    staging.configure(beside);
  });

  it("do not meet when one goes", async () => {
    const destroyed = await prod.run("destroy");
    expect(destroyed.exitCode, destroyed.text).toBe(0);
    expect(projectReaders()).toEqual(["group:devs@example.com", "group:infra@example.com"]);
    expect(await staging.changes()).toEqual({});
    expect(staging.cloud.store.instance("dev-bob")?.status).toBe("RUNNING");
  });

  it("cannot have a VM of the same name in the same zone", async () => {
    prod.configure({ ...whole, "nixos-fleet:vms": [{ name: "dev-bob" }] });
    const { exitCode, text } = await prod.run("up");
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      "nixos-fleet:vms[0].name: dev-bob, dev-bob-home are there already in europe-west1-b, of fleet devs, stack staging; choose another name, or, if this stack was called staging before, run pulumi stack rename staging",
    );
  });
});
