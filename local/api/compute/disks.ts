import { diskTypes } from "./catalog";
import { alreadyExists, invalid } from "../errors";
import { fingerprintOf, textOf } from "../json";
import { isObject, objectsIn } from "../../../rules/text/json";
import { findImage } from "./images";
import { checkLabels, checkName } from "./limits";
import { baseName, parseLink, pathOf } from "../paths";
import type { Store } from "../store";
import type { AttachedDisk, Resource } from "../types";

type Body = Record<string, unknown>;

/** A separate disk resource, from an insert's body. */
export function planDisk(store: Store, zone: string, path: string, body: Body, field: string): Resource {
  const image = body["sourceImage"] === undefined ? undefined : checkImage(store, body["sourceImage"], field);
  const snapshot =
    body["sourceSnapshot"] === undefined ? undefined : checkSnapshot(store, body["sourceSnapshot"], field);
  const smallest = Number(image?.["diskSizeGb"] ?? snapshot?.["diskSizeGb"] ?? 10);
  const size = Number(body["diskSizeGb"] ?? body["sizeGb"] ?? smallest);
  if (!Number.isInteger(size) || size < smallest || size > 65_536) {
    const why =
      image === undefined && snapshot === undefined
        ? "Disk size must be between 10 GB and 65536 GB, inclusive."
        : `Requested disk size cannot be smaller than the ${image === undefined ? "snapshot" : "image"} size (${smallest} GB)`;
    throw invalid(`${field}.diskSizeGb`, String(body["diskSizeGb"] ?? body["sizeGb"]), why);
  }
  const labels = checkLabels(body["labels"]);
  return {
    ...store.common("compute#disk", path, baseName(path)),
    zone: store.link(`zones/${zone}`),
    status: "READY",
    sizeGb: String(size),
    type: checkDiskType(store, zone, body["diskType"] ?? body["type"], field),
    labels,
    labelFingerprint: fingerprintOf(labels),
    physicalBlockSizeBytes: "4096",
    ...(image === undefined
      ? {}
      : { sourceImage: image.selfLink, sourceImageId: image.id, guestOsFeatures: image["guestOsFeatures"] }),
    ...(snapshot === undefined ? {} : { sourceSnapshot: snapshot.selfLink, sourceSnapshotId: snapshot.id }),
    ...(body["resourcePolicies"] === undefined ? {} : { resourcePolicies: policiesOf(store, body) }),
  };
}

function checkSnapshot(store: Store, link: unknown, field: string): Resource {
  const stored = typeof link === "string" ? store.state.resources[pathOf(store.project, link)] : undefined;
  if (stored?.resource.kind !== "compute#snapshot" || stored.pending !== undefined) {
    throw invalid(`${field}.sourceSnapshot`, textOf(link), "The referenced snapshot resource cannot be found.");
  }
  return stored.resource;
}

function checkDiskType(store: Store, zone: string, wanted: unknown, field: string): string {
  const name = typeof wanted === "string" ? baseName(wanted) : "pd-standard";
  if (!diskTypes.includes(name)) {
    throw invalid(`${field}.diskType`, name, "The referenced diskType resource cannot be found.");
  }
  return store.link(`zones/${zone}/diskTypes/${name}`);
}

function checkImage(store: Store, wanted: unknown, field: string): Resource {
  const link = String(wanted);
  const parsed = parseLink(link);
  if (parsed === undefined) {
    throw invalid(`${field}.sourceImage`, link, "The URL is malformed.");
  }
  const image = findImage(store, parsed.project ?? store.project, parsed.path);
  if (image === undefined) {
    throw invalid(`${field}.sourceImage`, link, "The referenced image resource cannot be found.");
  }
  return image;
}

/** The disks of a new instance: as the instance shows them, and those that are made with it, by path. */
export function planDisks(
  store: Store,
  zone: string,
  instance: string,
  wanted: unknown,
): { attached: AttachedDisk[]; disks: Record<string, Resource> } {
  const list = objectsIn(wanted);
  if (list.length === 0) {
    throw invalid("resource.disks", "", "At least one disk is required.");
  }
  if (list[0]?.["boot"] !== true) {
    throw invalid("resource.disks[0].boot", "false", "Boot disk must be the first disk attached to the instance.");
  }
  const disks: Record<string, Resource> = {};
  const attached = list.map((disk, index) => {
    const field = `resource.disks[${index}]`;
    const parameters = isObject(disk["initializeParams"]) ? disk["initializeParams"] : undefined;
    if (parameters !== undefined) {
      const base = index === 0 ? instance : `${instance}-${index}`;
      const name = checkName(parameters["diskName"] ?? base, `${field}.initializeParams.diskName`);
      const path = `zones/${zone}/disks/${name}`;
      if (store.has(path)) {
        throw alreadyExists(store.shown(path));
      }
      disks[path] = planDisk(store, zone, path, parameters, `${field}.initializeParams`);
      return attachment(disk, disks[path], index);
    }
    if (index === 0) {
      // The machine's root is made from the image. The local cloud keeps no disks to boot another machine from.
      throw invalid(`${field}.source`, String(disk["source"]), "The local cloud makes boot disks from images only.");
    }
    return attachment(disk, existingDisk(store, disk["source"], `${field}.source`), index);
  });
  return { attached, disks };
}

/** The disk that a link names. @throws ApiError 400 if there is none */
export function existingDisk(store: Store, link: unknown, field: string): Resource {
  const path = typeof link === "string" ? pathOf(store.project, link) : "";
  const stored = store.state.resources[path];
  if (stored?.resource.kind !== "compute#disk" || stored.pending !== undefined) {
    throw invalid(field, String(link), "The referenced disk resource cannot be found.");
  }
  return stored.resource;
}

/** How an instance shows one of its disks. */
export function attachment(wanted: Body, disk: Resource, index: number): AttachedDisk {
  return {
    kind: "compute#attachedDisk",
    type: "PERSISTENT",
    mode: typeof wanted["mode"] === "string" ? wanted["mode"] : "READ_WRITE",
    source: disk.selfLink,
    deviceName: typeof wanted["deviceName"] === "string" ? wanted["deviceName"] : `persistent-disk-${index}`,
    index,
    boot: index === 0,
    autoDelete: wanted["autoDelete"] === true,
    interface: "SCSI",
    diskSizeGb: String(disk["sizeGb"]),
    ...(disk["guestOsFeatures"] === undefined ? {} : { guestOsFeatures: disk["guestOsFeatures"] }),
    architecture: "X86_64",
  };
}

/** The links of the resource policies that a body or a resource names. @throws ApiError if one does not exist */
export function policiesOf(store: Store, from: Body): string[] {
  const links = Array.isArray(from["resourcePolicies"]) ? from["resourcePolicies"].map(String) : [];
  return links.map((link) => {
    const stored = store.state.resources[pathOf(store.project, link)];
    if (stored === undefined || stored.pending !== undefined) {
      throw invalid("resource.resourcePolicies[0]", link, "The referenced resource policy resource cannot be found.");
    }
    return stored.resource.selfLink;
  });
}

/** Attaches policies to a disk. */
export function addResourcePolicies(store: Store, resource: Body, body: Body): { resourcePolicies: string[] } {
  return { resourcePolicies: [...new Set([...policiesOf(store, resource), ...policiesOf(store, body)])] };
}

/** An instance takes one schedule. @throws ApiError if it has another */
export function addInstancePolicies(store: Store, instance: Body, body: Body): Body {
  const { resourcePolicies } = addResourcePolicies(store, instance, body);
  const schedules = resourcePolicies.filter((link) => {
    const stored = store.state.resources[pathOf(store.project, link)];
    return stored?.resource["instanceSchedulePolicy"] !== undefined;
  });
  if (schedules.length > 1) {
    const why = "An instance can have one instance schedule policy attached.";
    throw invalid("resourcePolicies[0]", schedules.at(-1) ?? "", why);
  }
  return { resourcePolicies };
}

export function removeResourcePolicies(store: Store, resource: Body, body: Body): Body {
  const removed = policiesOf(store, body);
  return { resourcePolicies: policiesOf(store, resource).filter((policy) => !removed.includes(policy)) };
}
