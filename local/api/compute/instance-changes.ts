import { checkMachineType, serviceAccounts } from "./instance";
import { attachment, existingDisk } from "./disks";
import { ApiError, invalid, staleFingerprint, staleLabels, staleMetadata } from "../errors";
import { fingerprintOf } from "../json";
import { isObject } from "../../../rules/text/json";
import { checkLabels, checkMetadata, checkTags } from "./limits";
import { baseName } from "../paths";
import { addInstancePolicies, removeResourcePolicies } from "./disks";
import type { Store } from "../store";
import type { Instance, Metadata } from "../types";

/**
 * Changes of an instance in place: the fields that differ afterwards.
 * @throws ApiError for what Compute would refuse
 */
type Change = (store: Store, instance: Instance, body: Record<string, unknown>, query: URLSearchParams) => object;

/** By the last part of the request's path. */
export const changes: Record<string, Change> = {
  setMetadata: (_store, { metadata }, body) => ({ metadata: nextMetadata(metadata, body, "resource") }),

  setLabels: (_store, { labelFingerprint }, body) => nextLabels(labelFingerprint, body),

  setTags: (_store, { tags }, body) => {
    if (body["fingerprint"] !== tags.fingerprint) {
      throw staleFingerprint();
    }
    const items = checkTags(body["items"], "resource.items");
    return { tags: { ...(items.length === 0 ? {} : { items }), fingerprint: fingerprintOf(items) } };
  },

  setMachineType: (store, instance, body) => {
    mustBeStopped(instance);
    const wanted = checkMachineType(store, baseName(instance.zone), body["machineType"]);
    if (!changesTo(baseName(instance.machineType), baseName(wanted))) {
      const why = `An instance of type ${baseName(instance.machineType)} does not change to this machine series.`;
      throw invalid("resource.machineType", wanted, why);
    }
    return { machineType: wanted };
  },

  setServiceAccount: (_store, instance, body) => {
    mustBeStopped(instance);
    return { serviceAccounts: body["email"] === undefined || body["email"] === "" ? [] : serviceAccounts([body]) };
  },

  setScheduling: (_store, instance, body) => ({ scheduling: { ...asRecord(instance["scheduling"]), ...body } }),

  updateShieldedInstanceConfig: (_store, instance, body) => {
    mustBeStopped(instance);
    return { shieldedInstanceConfig: { ...asRecord(instance["shieldedInstanceConfig"]), ...body } };
  },

  setDeletionProtection: (_store, _instance, _body, query) => ({
    // Compute treats a missing parameter as true.
    deletionProtection: query.get("deletionProtection")?.toLowerCase() !== "false",
  }),

  attachDisk: (store, instance, body) => {
    const disk = existingDisk(store, body["source"], "resource.source");
    const attached = attachment(body, disk, 1 + Math.max(...instance.disks.map(({ index }) => index)));
    const user = (store.all("instances") as Instance[]).find(({ disks }) =>
      disks.some(({ source }) => source === disk.selfLink),
    );
    if (user !== undefined) {
      const message = `The disk resource '${disk.selfLink}' is already being used by '${user.selfLink}'`;
      throw new ApiError(400, "resourceInUseByAnotherResource", message);
    }
    if (instance.disks.some(({ deviceName }) => deviceName === attached.deviceName)) {
      throw invalid("resource.deviceName", attached.deviceName, "A disk with this device name is attached already.");
    }
    return { disks: [...instance.disks, attached] };
  },

  detachDisk: (_store, instance, _body, query) => {
    const name = query.get("deviceName") ?? "";
    const disk = instance.disks.find(({ deviceName }) => deviceName === name);
    if (disk === undefined) {
      throw invalid("deviceName", name, "No attached disk found with this device name.");
    }
    if (disk.boot) {
      throw invalid("deviceName", name, "The local cloud does not detach boot disks.");
    }
    return { disks: instance.disks.filter((other) => other !== disk) };
  },

  setDiskAutoDelete: (_store, instance, _body, query) => ({
    disks: instance.disks.map((disk) =>
      disk.deviceName === query.get("deviceName")
        ? { ...disk, autoDelete: query.get("autoDelete")?.toLowerCase() === "true" }
        : disk,
    ),
  }),

  setMinCpuPlatform: (_store, instance, body) => {
    mustBeStopped(instance);
    return { minCpuPlatform: body["minCpuPlatform"] };
  },

  updateDisplayDevice: (_store, instance, body) => {
    mustBeStopped(instance);
    return { displayDevice: { enableDisplay: body["enableDisplay"] === true } };
  },

  addResourcePolicies: addInstancePolicies,
  removeResourcePolicies,
};

/** Metadata after a write, an instance's or the project's. @throws ApiError 412 for a stale fingerprint, or for a limit */
export function nextMetadata(before: Metadata, body: Record<string, unknown>, field: string): Metadata {
  const next = checkMetadata(body, field);
  // Compute accepts the very first write to the project's metadata without a fingerprint.
  const first = before.items === undefined && body["fingerprint"] === undefined;
  if (!first && body["fingerprint"] !== before.fingerprint) {
    throw staleMetadata();
  }
  return next;
}

/** Labels after a write. @throws ApiError 412 for a stale fingerprint, or for a limit */
export function nextLabels(
  before: unknown,
  body: Record<string, unknown>,
): { labels: object; labelFingerprint: string } {
  const labels = checkLabels(body["labels"]);
  if (body["labelFingerprint"] !== before) {
    throw staleLabels();
  }
  return { labels, labelFingerprint: fingerprintOf(labels) };
}

function mustBeStopped({ status }: Instance): void {
  if (status !== "TERMINATED") {
    throw new ApiError(400, "unsupportedOperation", `Instance is ${status}: it must be stopped for this change.`);
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

/**
 * Whether Compute changes one machine type into another: the first two generations without T2A and A2, and sizes of one series
 * (cloud.google.com/compute/docs/instances/changing-machine-type-of-stopped-instance). The local cloud has its own list, so that a fault in
 * the program's list shows.
 */
function changesTo(present: string, wanted: string): boolean {
  const older = /^(custom|e2|f1|g1|n1|n2|n2d|c2|c2d|t2d|m1|m2)-/;
  const series = (machineType: string) => machineType.split("-", 1)[0];
  return series(present) === series(wanted) || (older.test(present) && older.test(wanted));
}
