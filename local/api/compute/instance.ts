import { machineType } from "./catalog";
import { planDisks } from "./disks";
import { alreadyExists, invalid, required } from "../errors";
import { fingerprintOf } from "../json";
import { isObject, objectsIn } from "../../../rules/text/json";
import { planInterfaces } from "./network";
import { checkLabels, checkMetadata, checkName, checkTags } from "./limits";
import { baseName, parseLink } from "../paths";
import { policiesOf } from "./disks";
import { withFingerprint, type Store } from "../store";
import type { Instance, Resource, ServiceAccount } from "../types";

type Body = Record<string, unknown>;

/** An instance that does not exist yet, and the disks that are made with it, by path. */
interface Plan {
  path: string;
  instance: Instance;
  disks: Record<string, Resource>;
}

/**
 * The instance that an insert would make, with status PROVISIONING.
 * @throws ApiError if Compute would refuse it
 */
export function planInstance(store: Store, zone: string, body: Body): Plan {
  const name = checkName(body["name"]);
  const path = `zones/${zone}/instances/${name}`;
  if (store.has(path)) {
    throw alreadyExists(store.shown(path));
  }
  // Here machine names are unique in the cloud; in Compute they are unique only within their zones.
  if (store.all("instances").some((other) => other.name === name)) {
    throw invalid("resource.name", name, "The local cloud has an instance of this name in another zone.");
  }
  const { attached, disks } = planDisks(store, zone, name, body["disks"]);
  const labels = checkLabels(body["labels"]);
  const tags = checkTags(isObject(body["tags"]) ? body["tags"]["items"] : undefined);
  const instance: Instance = {
    ...body,
    ...store.common("compute#instance", path, name),
    zone: store.link(`zones/${zone}`),
    status: "PROVISIONING",
    machineType: checkMachineType(store, zone, body["machineType"]),
    cpuPlatform: "Intel Broadwell",
    tags: { ...(tags.length === 0 ? {} : { items: tags }), fingerprint: fingerprintOf(tags) },
    labels,
    labelFingerprint: fingerprintOf(labels),
    metadata: checkMetadata(body["metadata"], "resource.metadata"),
    disks: attached,
    networkInterfaces: planInterfaces(store, zone, body["networkInterfaces"]),
    serviceAccounts: serviceAccounts(body["serviceAccounts"]),
    scheduling: {
      onHostMaintenance: "MIGRATE",
      automaticRestart: true,
      preemptible: false,
      provisioningModel: "STANDARD",
      ...(isObject(body["scheduling"]) ? body["scheduling"] : {}),
    },
    shieldedInstanceConfig: {
      enableSecureBoot: false,
      enableVtpm: true,
      enableIntegrityMonitoring: true,
      ...(isObject(body["shieldedInstanceConfig"]) ? body["shieldedInstanceConfig"] : {}),
    },
    shieldedInstanceIntegrityPolicy: { updateAutoLearnPolicy: true },
    ...(body["resourcePolicies"] === undefined ? {} : { resourcePolicies: policiesOf(store, body) }),
    canIpForward: body["canIpForward"] === true,
    deletionProtection: body["deletionProtection"] === true,
    startRestricted: false,
    fingerprint: "",
  };
  return { path, instance: withFingerprint(instance) as Instance, disks };
}

/** Returns the machine type's link. @throws ApiError if the zone has no such machine type. */
export function checkMachineType(store: Store, zone: string, wanted: unknown): string {
  if (typeof wanted !== "string" || wanted === "") {
    throw required("resource.machineType");
  }
  const path = parseLink(wanted)?.path;
  const name = baseName(wanted);
  if (path === undefined) {
    throw invalid("resource.machineType", wanted, "The URL is malformed.");
  }
  const known = path === `zones/${zone}/machineTypes/${name}` ? machineType(store.project, zone, name) : undefined;
  if (known === undefined) {
    const why = `Machine type with name '${name}' does not exist in zone '${zone}'.`;
    throw invalid("resource.machineType", wanted, why);
  }
  return known.selfLink;
}

/** Service accounts as an instance shows them; `default` is the project's own. */
export function serviceAccounts(wanted: unknown): ServiceAccount[] {
  return objectsIn(wanted).map(({ email, scopes }) => ({
    email:
      typeof email === "string" && email !== "default" ? email : "100000000001-compute@developer.gserviceaccount.com",
    scopes: Array.isArray(scopes) ? scopes.map(String) : [],
  }));
}
