/** Requests about the project, its operations, and what the cloud offers. */
import * as catalog from "./catalog";
import { nextMetadata } from "./instance-changes";
import type { Call, Handler } from "../cloud";
import { notFound } from "../errors";
import { findImage, imagesOf } from "./images";
import { projectQuotas, regionQuotas } from "./quotas";
import { aggregate, page, type Scoped } from "../listing";
import { scopeOf } from "./resource-handlers";
import type { Store } from "../store";
import type { Resource } from "../types";

export const getProject: Handler = ({ cloud: { store } }) => {
  const { name, number, creationTimestamp, metadata } = store.state.project;
  return {
    kind: "compute#project",
    id: number,
    name,
    creationTimestamp,
    selfLink: store.link(""),
    commonInstanceMetadata: metadata,
    defaultServiceAccount: `${number}-compute@developer.gserviceaccount.com`,
    defaultNetworkTier: "PREMIUM",
    xpnProjectStatus: "UNSPECIFIED_XPN_PROJECT_STATUS",
    quotas: projectQuotas(store),
  };
};

export const setCommonInstanceMetadata: Handler = ({ cloud: { store, operations }, body }) => {
  const { project } = store.state;
  project.metadata = nextMetadata(project.metadata, body, "metadata");
  store.changed();
  return operations.after("compute.projects.setCommonInstanceMetadata", { path: "", id: project.number });
};

export const getOperation: Handler = (call) => call.cloud.operations.get(operationPath(call));
export const waitForOperation: Handler = (call) => call.cloud.operations.wait(operationPath(call));
export const listOperations: Handler = (call) => {
  const scope = scopeOf(call);
  const all = call.cloud.operations.list(scope) as unknown as Resource[];
  return listed(
    call,
    "operation",
    `${scope}/operations`,
    all.map((resource) => ({ scope, resource })),
  );
};

export const aggregatedOperations: Handler = ({ cloud: { store, operations }, query }) => {
  const all = operations.all().map(({ scope, operation }) => ({ scope, resource: operation as unknown as Resource }));
  const { entries, nextPageToken } = page(all, query);
  const places = [...catalog.regions.map((name) => `regions/${name}`), ...catalog.zones.map((name) => `zones/${name}`)];
  return {
    kind: "compute#operationAggregatedList",
    id: store.shown("aggregated/operations"),
    selfLink: store.link("aggregated/operations"),
    items: aggregate(entries, ["global", ...places], "operations"),
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
  };
};

export const getRegion: Handler = ({ cloud, params }) =>
  offered(cloud.store.project, regionOf(cloud.store, params["region"] ?? ""), `regions/${params["region"] ?? ""}`);
export const getZone: Handler = ({ cloud, params }) =>
  offered(
    cloud.store.project,
    catalog.zone(cloud.store.project, params["zone"] ?? ""),
    `zones/${params["zone"] ?? ""}`,
  );

function regionOf(store: Store, name: string): Resource | undefined {
  const region = catalog.region(store.project, name);
  return region && { ...region, quotas: regionQuotas(store, name) };
}

export const listRegions: Handler = (call) =>
  listed(
    call,
    "region",
    "regions",
    known(catalog.regions, (name) => regionOf(call.cloud.store, name)),
  );
export const listZones: Handler = (call) =>
  listed(
    call,
    "zone",
    "zones",
    known(catalog.zones, (name) => catalog.zone(call.cloud.store.project, name)),
  );

export const getMachineType: Handler = (call) => {
  const scope = scopeOf(call);
  const { project } = call.cloud.store;
  const [zone = "", name = ""] = [call.params["zone"], call.params["name"]];
  return offered(project, catalog.machineType(project, zone, name), `${scope}/machineTypes/${name}`);
};
export const listMachineTypes: Handler = (call) => {
  const scope = scopeOf(call);
  const { project } = call.cloud.store;
  const all = known(catalog.machineTypeNames(), (name) =>
    catalog.machineType(project, call.params["zone"] ?? "", name),
  );
  return listed(call, "machineType", `${scope}/machineTypes`, all);
};
export const getDiskType: Handler = (call) => {
  const scope = scopeOf(call);
  const { project } = call.cloud.store;
  const [zone = "", name = ""] = [call.params["zone"], call.params["name"]];
  return offered(project, catalog.diskType(project, zone, name), `${scope}/diskTypes/${name}`);
};

/** Images can be read from other projects too: `owner` is the project in the request's path. */
export function getImage(kind: "" | "family/"): Handler {
  return ({ cloud, params }) => {
    const [owner = "", name = ""] = [params["owner"], params["name"]];
    const path = `global/images/${kind}${name}`;
    return offered(owner, findImage(cloud.store, owner, path), path);
  };
}
export const listImages: Handler = (call) => {
  const owner = call.params["owner"] ?? "";
  if (!catalog.hasImages(owner, call.cloud.store.project)) {
    throw notFound(`projects/${owner}`);
  }
  const all = imagesOf(call.cloud.store, owner);
  return listed(
    call,
    "image",
    "global/images",
    all.map((resource) => ({ scope: "global", resource })),
  );
};

function listed(call: Call, word: string, path: string, all: Scoped[]): object {
  const { entries, nextPageToken } = page(all, call.query);
  const { store } = call.cloud;
  return {
    kind: `compute#${word}List`,
    id: store.shown(path),
    selfLink: store.link(path),
    ...(entries.length === 0 ? {} : { items: entries.map(({ resource }) => resource) }),
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
  };
}

function known(names: readonly string[], find: (name: string) => Resource | undefined): Scoped[] {
  return names.flatMap((name) => find(name) ?? []).map((resource) => ({ scope: "", resource }));
}

function offered(project: string, resource: Resource | undefined, path: string): Resource {
  if (resource === undefined) {
    throw notFound(`projects/${project}/${path}`);
  }
  return resource;
}

function operationPath(call: Call): string {
  return `${scopeOf(call)}/operations/${call.params["name"] ?? ""}`;
}
