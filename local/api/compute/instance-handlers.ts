/** Requests about one instance that no other collection has. */
import { changes } from "./instance-changes";
import type { Call, Handler } from "../cloud";
import { deletionProtected, invalid, notFound, notReady } from "../errors";
import { planInstance } from "./instance";
import { scopeOf } from "./resource-handlers";
import { policyOf, setPolicy } from "../services/iam";
import type { Instance, Operation } from "../types";

export const insertInstance: Handler = (call) => {
  const { store, power } = call.cloud;
  const { path, instance, disks } = planInstance(store, scopeOf(call).slice("zones/".length), call.body);
  for (const [diskPath, disk] of Object.entries(disks)) {
    store.put(diskPath, disk);
  }
  store.put(path, instance);
  return power.insert(path);
};

export const deleteInstance: Handler = (call) => {
  const { path, instance } = find(call);
  if (instance.deletionProtection) {
    throw deletionProtected();
  }
  return call.cloud.power.delete(path);
};

export const startInstance: Handler = (call) => powered(call, "start");
export const stopInstance: Handler = (call) => powered(call, "stop");

export const resetInstance: Handler = (call) => {
  const { path, instance } = find(call);
  if (instance.status !== "RUNNING") {
    throw notReady(call.cloud.store.shown(path));
  }
  return call.cloud.power.reset(path);
};

/** Changes an instance in place: the change is immediate, although the operation takes its time. */
export function changeInstance(name: string): Handler {
  return (call) => {
    const { store, operations } = call.cloud;
    const { path, instance } = find(call);
    const fields = changes[name]?.(store, instance, call.body, call.query) ?? {};
    store.update(path, fields);
    return operations.after(name, { path, id: instance.id });
  };
}

export const serialPort: Handler = async (call) => {
  const { store, machines } = call.cloud;
  const { path, instance } = find(call);
  const output = Buffer.from(await machines.serial(instance.name));
  const start = Math.min(Number(call.query.get("start") ?? 0) || 0, output.length);
  // Compute returns a mebibyte at most: the last one, or the part after `start`.
  const from = call.query.has("start") ? start : Math.max(0, output.length - 1024 * 1024);
  const contents = output.subarray(from, from + 1024 * 1024).toString();
  return {
    kind: "compute#serialPortOutput",
    selfLink: store.link(`${path}/serialPort`),
    contents,
    start: String(from),
    next: String(from + Buffer.byteLength(contents)),
  };
};

/** Stored with the policies of all other resources, under the path by which IAM names the instance. */
export const getIamPolicy: Handler = (call) => policyOf(call.cloud.store, call.cloud.store.shown(find(call).path));
export const setIamPolicy: Handler = (call) =>
  setPolicy(call.cloud.store, call.cloud.store.shown(find(call).path), call.body);

/** `queryPath` is a namespace (`hostkeys/`), one entry (`hostkeys/ssh-rsa`) or empty for all; `variableKey` is one entry. */
export const guestAttributes: Handler = (call) => {
  const { store } = call.cloud;
  const { path, instance } = find(call);
  const own = store.state.guestAttributes[instance.name] ?? {};
  const answer = { kind: "compute#guestAttributes", selfLink: store.link(`${path}/getGuestAttributes`) };
  const variableKey = call.query.get("variableKey");
  if (variableKey !== null && variableKey !== "") {
    const value = own[variableKey];
    if (value === undefined) {
      throw noGuestAttribute(variableKey);
    }
    return { ...answer, variableKey, variableValue: value };
  }
  const queryPath = call.query.get("queryPath") ?? "";
  if (queryPath.split("/").length > 2) {
    throw invalid("queryPath", queryPath, "Must be a namespace and a slash, or a namespace, a slash and a key.");
  }
  const items = Object.entries(own)
    .filter(([key]) => queryPath === "" || key === queryPath || (queryPath.endsWith("/") && key.startsWith(queryPath)))
    .map(([key, value]) => ({ namespace: key.split("/")[0], key: key.split("/")[1], value }));
  if (items.length === 0) {
    throw noGuestAttribute(queryPath);
  }
  return { ...answer, queryPath, queryValue: { items } };
};

function noGuestAttribute(asked: string): Error {
  const error = notFound(asked);
  error.message = `The resource '${asked}' of type 'Guest Attribute' was not found.`;
  return error;
}

function powered(call: Call, what: "start" | "stop"): Operation {
  const { path, instance } = find(call);
  if (what === "start" && instance.status === "STOPPING") {
    throw notReady(call.cloud.store.shown(path));
  }
  return call.cloud.power[what](path);
}

function find(call: Call): { path: string; instance: Instance } {
  const path = `${scopeOf(call)}/instances/${call.params["name"] ?? ""}`;
  return { path, instance: call.cloud.store.getReady(path) as Instance };
}
