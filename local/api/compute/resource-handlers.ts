/** Requests that all collections handle in the same way. */
import { setTimeout as sleep } from "node:timers/promises";
import { zones, regions } from "./catalog";
import { nextLabels } from "./instance-changes";
import type { Call, Handler } from "../cloud";
import type { Collection } from "./collection";
import { patched, userOf } from "./collections";
import { alreadyExists, inUse, invalid } from "../errors";
import { checkName } from "./limits";
import { aggregate, page } from "../listing";
import { pathOf } from "../paths";
import { withFingerprint, type Store } from "../store";
import type { Resource } from "../types";

/** The scope that a request's path names. @throws ApiError 400 for a zone or region that Compute does not know */
export function scopeOf({ params }: Call): string {
  const { zone, region } = params;
  if (zone !== undefined) {
    if (!zones.includes(zone)) {
      throw invalid("zone", zone, "Unknown zone.");
    }
    return `zones/${zone}`;
  }
  if (region !== undefined) {
    if (!regions.includes(region)) {
      throw invalid("region", region, "Unknown region.");
    }
    return `regions/${region}`;
  }
  return "global";
}

/** The path of the resource that a request names. */
function pathIn(call: Call, { name }: Collection): string {
  return `${scopeOf(call)}/${name}/${call.params["name"] ?? ""}`;
}

export function get(collection: Collection): Handler {
  return (call) => show(call.cloud.store, collection, call.cloud.store.get(pathIn(call, collection)));
}

export function list(collection: Collection): Handler {
  return (call) => {
    const { store } = call.cloud;
    const scope = scopeOf(call);
    const { entries, nextPageToken } = page(shown(store, collection, scope), call.query);
    return {
      kind: `compute#${collection.word}List`,
      id: store.shown(`${scope}/${collection.name}`),
      selfLink: store.link(`${scope}/${collection.name}`),
      ...(entries.length === 0 ? {} : { items: entries.map(({ resource }) => resource) }),
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
    };
  };
}

export function aggregatedList(collection: Collection): Handler {
  return ({ cloud: { store }, query }) => {
    const { entries, nextPageToken } = page(shown(store, collection), query);
    const places = {
      global: ["global"],
      regions: regions.map((name) => `regions/${name}`),
      zones: zones.map((name) => `zones/${name}`),
    };
    return {
      kind: `compute#${collection.word}AggregatedList`,
      id: store.shown(`aggregated/${collection.name}`),
      selfLink: store.link(`aggregated/${collection.name}`),
      items: aggregate(entries, places[collection.scope], collection.name),
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
    };
  };
}

/** The name is taken at once. The resource becomes visible when the operation is done. */
export function insert(collection: Collection): Handler {
  return (call) => {
    const { store, operations } = call.cloud;
    const scope = scopeOf(call);
    const name = checkName(call.body["name"]);
    const path = `${scope}/${collection.name}/${name}`;
    if (store.has(path)) {
      throw alreadyExists(store.shown(path));
    }
    const fields = collection.build(store, scope, call.body, path);
    const resource = { ...fields, ...store.common(`compute#${collection.word}`, path, name) };
    store.put(path, collection.fingerprint === true ? withFingerprint(resource) : resource, "insert");
    return operations.begin("insert", { path, id: resource.id }, async () => {
      await sleep(operations.delay);
      try {
        await collection.made?.(call.cloud, resource);
      } catch (error) {
        store.remove(path);
        throw error;
      }
      store.put(path, store.state.resources[path]?.resource ?? resource);
    });
  };
}

export function remove(collection: Collection): Handler {
  return (call) => {
    const { store, operations } = call.cloud;
    const path = pathIn(call, collection);
    const resource = store.getReady(path);
    const user = userOf(store, path);
    if (user !== undefined) {
      throw inUse(collection.word, store.shown(path), store.shown(pathOf(store.project, user.selfLink)));
    }
    store.put(path, resource, "delete");
    return operations.begin("delete", { path, id: resource.id }, async () => {
      await sleep(operations.delay);
      store.remove(path);
      await collection.gone?.(call.cloud, resource, store);
    });
  };
}

export function patch(collection: Collection): Handler {
  return (call) => {
    const { store, operations } = call.cloud;
    const path = pathIn(call, collection);
    const before = store.getReady(path);
    store.update(path, patched(store, collection, before, call.body));
    return operations.after("patch", { path, id: before.id });
  };
}

/** A change that has its own POST. If it changes what the host must know, the host is updated too. */
export function act(collection: Collection, name: string): Handler {
  return (call) => {
    const { store, operations } = call.cloud;
    const path = pathIn(call, collection);
    const before = store.getReady(path);
    store.update(path, collection.actions?.[name]?.(store, before, call.body) ?? {});
    return operations.begin(name, { path, id: before.id }, async () => {
      await collection.made?.(call.cloud, store.get(path));
      await sleep(operations.delay);
    });
  };
}

export function setLabels(collection: Collection): Handler {
  return (call) => {
    const { store, operations } = call.cloud;
    const path = pathIn(call, collection);
    const before = store.getReady(path);
    store.update(path, nextLabels(before["labelFingerprint"], call.body));
    return operations.after("setLabels", { path, id: before.id });
  };
}

function show(store: Store, { derive }: Collection, resource: Resource): Resource {
  return derive === undefined ? resource : { ...resource, ...derive(store, resource) };
}

function shown(store: Store, collection: Collection, scope?: string): { scope: string; resource: Resource }[] {
  return store
    .list(collection.name, scope)
    .map((entry) => ({ scope: entry.scope, resource: show(store, collection, entry.resource) }));
}
