/** A cloud that has everything which the recorded requests name, and the requests as they are sent to it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CloudState } from "../../../local/api/types";
import { instanceBody, serve, type Served } from "./client";
import { memoryCloud } from "./local-machines";

type Json = Record<string, unknown>;

/** A request of a client; fields that a recording does not need are left out. */
export interface Recorded {
  client: "provider" | "gcloud";
  method: string;
  /** Path and query. */
  url: string;
  /** What was answered then. */
  status: number;
  body?: Json;
  /** Set where something else had to answer, since the local cloud could not. */
  answeredBy?: string;
}

export const recorded = readFileSync(join(__dirname, "../../fixtures/official-clients.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

const P = "local-project";
const compute = `/compute/v1/projects/${P}`;
const [zone, other, region] = ["zones/europe-west1-b", "zones/europe-west1-c", "regions/europe-west1"];

interface Answer {
  status: number;
  body: Json;
}

export async function ask(
  { url: root }: Pick<Served, "url">,
  method: string,
  path: string,
  body?: Json,
): Promise<Answer> {
  const response = await fetch(new URL(path, root), {
    method,
    headers: { authorization: "Bearer x", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Json };
}

/** Asks, waits until Compute is done, and returns the operation; anything else at once. @throws Error where it fails */
async function finish(served: Served, method: string, path: string, body?: Json): Promise<Answer> {
  const answer = await ask(served, method, path, body);
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body["kind"] === "compute#operation" ? waited(served, answer.body) : answer;
}

/** An operation when it is done. */
export async function waited(served: Served, { selfLink, name }: Json): Promise<Answer> {
  const scope = /projects\/[^/]+\/(.*)\/operations\//.exec(String(selfLink))?.[1] ?? "global";
  return ask(served, "POST", `${compute}/${scope}/operations/${String(name)}/wait`);
}

/** The state of a cloud with all that the requests name: both fleets, with every optional part. */
export async function world(): Promise<CloudState> {
  const served = await serve();
  const make = (path: string, body: Json) => finish(served, "POST", path, body);
  const resource = (scope: string, collection: string, body: Json) => make(`${compute}/${scope}/${collection}`, body);
  for (const [fleet, net, sub, router, firewall] of [
    ["devs", "vpc-2cf55eb", "subnet-7b3f811", "router-c3e0868", "ssh-from-iap-2d46a53"],
    ["full", "vpc-5704c46", "subnet-08262dd", "router-89ee16d", "ssh-from-iap-de021fa"],
  ]) {
    const network = `projects/${P}/global/networks/${fleet}-${net}`;
    await resource("global", "networks", { name: `${fleet}-${net}`, autoCreateSubnetworks: false });
    await resource(region, "subnetworks", { name: `${fleet}-${sub}`, network, ipCidrRange: "10.128.0.0/20" });
    await resource(region, "routers", { name: `${fleet}-${router}`, network });
    const allowed = [{ IPProtocol: "tcp", ports: ["22"] }];
    await resource("global", "firewalls", { name: `${fleet}-${firewall}`, network, allowed });
  }
  await resource(region, "routers", { name: "devs-router-0674ca5", network: `global/networks/devs-vpc-2cf55eb` });
  for (const name of ["devs-snapshots-188cfb3", "full-snapshots-1d3d361"])
    await resource(region, "resourcePolicies", {
      name,
      snapshotSchedulePolicy: { schedule: { dailySchedule: { daysInCycle: 1, startTime: "04:00" } } },
    });
  for (const name of ["devs-schedule-office-f884d0b", "devs-schedule-office-b90c424", "full-schedule-office-6b336e1"])
    await resource(region, "resourcePolicies", {
      name,
      instanceSchedulePolicy: { timeZone: "Europe/Brussels", vmStartSchedule: { schedule: "0 7 * * 1-5" } },
    });
  const guests = ["dev-bob", "dev-canary", "dev-alice"].map((name) => [zone, name] as const);
  for (const [where, name] of [...guests, [other, "full-bob"] as const]) {
    await resource(where, "disks", { name: `${name}-home`, sizeGb: "10" });
    await resource(where, "instances", vm(name));
    served.cloud.store.state.guestAttributes[name] = { "hostkeys/ssh-ed25519": "AAAA", "nixos-fleet/system": "{}" };
  }
  await make(`/storage/v1/b?project=${P}`, { name: "acme-images" });
  served.cloud.store.state.objects = {
    "acme-images/nixos-fleet-a81f10e.raw.tar.gz": object("nixos-fleet-a81f10e.raw.tar.gz"),
  };
  const source = "https://storage.googleapis.com/acme-images/nixos-fleet-a81f10e.raw.tar.gz";
  await resource("global", "images", { name: "nixos-fleet-a81f10e", family: "nixos-fleet-full", rawDisk: { source } });
  for (const fleet of ["devs.local", "full.full"]) {
    const account = `fleet-${fleet.replace(".", "-")}`;
    await make(`/iam/v1/projects/${P}/serviceAccounts`, { accountId: account });
    await make(`/iam/v1/projects/${P}/roles`, { roleId: `nf.${fleet}`, role: { title: "Schedules" } });
    for (const metric of ["failed", "behind", "alive"])
      await make(`/logging/v2/projects/${P}/metrics`, { name: `nixos-fleet/${fleet.replace(".", "/")}/${metric}` });
  }
  for (const name of ["acme-nix-cache", "full-nix-cache"]) await make(`/storage/v1/b?project=${P}`, { name });
  await make(`/monitoring/v3/projects/${P}/notificationChannels`, { type: "email" });
  await make(`/monitoring/v3/projects/${P}/alertPolicies`, { displayName: "behind", combiner: "OR" });
  await make(`/monitoring/v1/projects/${P}/dashboards`, { displayName: "devs" });
  const secret = `/secretmanager/v1/projects/${P}/secrets`;
  const id = "nixos-fleet--devs--local--config";
  await make(`${secret}?secretId=${id}`, { replication: { automatic: {} } });
  for (const data of ["b25l", "dHdv"]) await make(`${secret}/${id}:addVersion`, { payload: { data } });
  const state = structuredClone(served.cloud.store.state);
  served.close();
  return state;
}

function vm(name: string): Json {
  const { networkInterfaces: _, ...rest } = instanceBody(name);
  const where = `projects/${P}/${region}/subnetworks/devs-subnet-7b3f811`;
  const machineType = `${name === "full-bob" ? other : zone}/machineTypes/e2-small`;
  return { ...rest, machineType, networkInterfaces: [{ subnetwork: where }] };
}

function object(name: string): never {
  return { name, size: "1", contentType: "application/gzip" } as never;
}

/** A cloud with that state of its own. */
export function cloudOf(state: CloudState): Promise<Served> {
  return serve(memoryCloud(structuredClone(state)));
}

/** As it was when the request came: what it makes is not there yet, and what it takes away is used by nothing. */
export function before(state: CloudState, request: Recorded): CloudState {
  const left = structuredClone(withoutMade(state, request));
  const path = request.url.replace(/\?.*/, "");
  const drop = (...collections: string[]) => {
    for (const key of Object.keys(left.resources))
      if (collections.includes(key.split("/").at(-2) ?? "")) Reflect.deleteProperty(left.resources, key);
  };
  if (request.method === "DELETE" && path.includes("/subnetworks/")) drop("instances");
  if (request.method === "DELETE" && path.includes("/networks/"))
    drop("instances", "subnetworks", "routers", "firewalls");
  if (request.method === "POST" && path.endsWith("/subnetworks")) drop("instances", "subnetworks");
  // Of two requests for another machine type, the one that was granted found its VM stopped.
  if (path.endsWith("/setMachineType") && request.status === 200)
    for (const { resource } of Object.values(left.resources))
      if (resource.kind === "compute#instance") resource["status"] = "TERMINATED";
  return left;
}

function withoutMade(state: CloudState, { method, url, body = {} }: Recorded): CloudState {
  const path = url.replace(/\?.*/, "");
  const named = [
    body["name"],
    body["accountId"],
    body["roleId"],
    new URL(url, "http://x").searchParams.get("secretId"),
  ];
  const name = named.find((one) => typeof one === "string") ?? "";
  if (method !== "POST" || /:\w+$|\/instances\/[^/]+\/|\/disks\/[^/]+\/|\/operations\//.test(path)) return state;
  const left = structuredClone(state);
  const drop = (record: object | undefined, match: (key: string) => boolean) => {
    for (const key of Object.keys(record ?? {})) if (match(key)) Reflect.deleteProperty(record ?? {}, key);
  };
  drop(left.resources, (key) => key.endsWith(`/${path.split("/").at(-1)}/${name}`));
  drop(left.iam?.accounts, (key) => key.startsWith(`${name}@`));
  drop(left.iam?.roles, (key) => key.endsWith(`/roles/${name}`));
  drop(left.buckets, (key) => key === name);
  drop(left.documents, (key) => key.endsWith(`/metrics/${name}`));
  drop(left.secrets, (key) => key === name);
  return left;
}

/** The request with the operations, numbers and fingerprints of this cloud in the place of those of that day. */
export async function adapted(served: Served, request: Recorded): Promise<{ url: string; body?: Json }> {
  const { state } = served.cloud.store;
  let url = request.url;
  const scope = /projects\/[^/]+\/(.*)\/operations\/operation/.exec(url)?.[1];
  if (scope !== undefined) {
    const found = Object.values(state.operations).find(({ selfLink }) => selfLink.includes(`/${scope}/operations/`));
    url = url.replace(/operation-[0-9a-f-]+/, found?.name ?? "none");
  }
  url = url.replace(/(notificationChannels|alertPolicies|dashboards)\/\d+/, (_, collection: string) => {
    const found = Object.keys(state.documents ?? {}).find((key) => key.includes(`/${collection}/`)) ?? "";
    return `${collection}/${found.replace(/.*\//, "")}`;
  });
  const written = request.body;
  if (written === undefined) return { url };
  return { url, body: await withFingerprints(served, url, written) };
}

async function withFingerprints(served: Served, url: string, body: Json): Promise<Json> {
  const read = async (path: string) => (await ask(served, "GET", path)).body;
  const [, instance, verb] = /^(.*\/instances\/[^/]+)\/(setMetadata|setLabels|setTags)/.exec(url) ?? [];
  if (url.includes("/zones/europe-west1-b/instances?")) return vm("dev-zoe");
  if (url.includes("setCommonInstanceMetadata")) {
    const { commonInstanceMetadata } = await read(compute);
    return { ...body, fingerprint: (commonInstanceMetadata as Json)["fingerprint"] };
  }
  if (instance !== undefined) {
    const { metadata, labelFingerprint, tags } = await read(instance);
    if (verb === "setMetadata") return metadata as Json;
    return verb === "setLabels"
      ? { ...body, labelFingerprint }
      : { ...body, fingerprint: (tags as Json)["fingerprint"] };
  }
  const of = async () => {
    if (url.includes("/storage/")) return read(url);
    const reading = url.replace("setIamPolicy", "getIamPolicy");
    return url.includes(":") ? (await ask(served, "POST", reading, {})).body : read(reading);
  };
  if (!/setIamPolicy|\/iam\?/.test(url)) return body;
  const policy = (body["policy"] ?? body) as Json;
  const current = "etag" in policy ? { ...policy, etag: (await of())["etag"] } : policy;
  return "policy" in body ? { ...body, policy: current } : current;
}
