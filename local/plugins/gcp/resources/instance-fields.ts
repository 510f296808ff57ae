/** Instances in the provider's terms and in Compute's. Replacements and changes in place are as in the official provider. */
import { isObject, text, type Props, type Value } from "../../core/value";
import { encode, type Fields } from "../fields";
import { leaf, linked, linkTo, type Scope } from "../links";
import { NETWORKS, SUBNETWORKS } from "./network";
import { texts } from "../resource";

const POLICIES = "regions/{region}/resourcePolicies";
export const STARTUP_SCRIPT = "startup-script";

const accessConfig: Fields = {
  natIp: { computed: true, rest: "natIP" },
  networkTier: { computed: true },
  publicPtrDomainName: {},
  // Compute has no other type; the official provider does not show it.
  type: { otherwise: "ONE_TO_ONE_NAT" },
};

export const networkInterface: Fields = {
  network: { computed: true, inPlace: true, to: linkTo(NETWORKS) },
  subnetwork: { computed: true, inPlace: true, to: linkTo(SUBNETWORKS) },
  subnetworkProject: { computed: true, own: true, inPlace: true },
  networkIp: { computed: true, rest: "networkIP" },
  name: { computed: true },
  nicType: {},
  queueCount: {},
  stackType: { computed: true, inPlace: true },
  accessConfigs: { inPlace: true, of: accessConfig },
  aliasIpRanges: { inPlace: true, of: { ipCidrRange: {}, subnetworkRangeName: {} } },
};

/** The attachment fields that the boot disk and other disks share. */
export const attachment: Fields = {
  deviceName: { computed: true },
  mode: { otherwise: "READ_WRITE" },
  source: { computed: true, to: linkTo("zones/{zone}/disks") },
};

const initializeParams: Fields = {
  // The image of a disk never changes, however the program names it.
  image: { rest: "sourceImage", keep: true },
  size: { computed: true, inPlace: true, rest: "diskSizeGb" },
  type: { computed: true, rest: "diskType", to: linkTo("zones/{zone}/diskTypes") },
  labels: { inPlace: true },
};

const bootDisk: Fields = {
  ...attachment,
  autoDelete: { inPlace: true, otherwise: true },
  initializeParams: { of: initializeParams },
};

const scheduling: Fields = {
  automaticRestart: { inPlace: true },
  onHostMaintenance: { inPlace: true },
  instanceTerminationAction: { inPlace: true },
  preemptible: {},
  provisioningModel: {},
};

export const instanceFields: Fields = {
  machineType: { inPlace: true, to: linkTo("zones/{zone}/machineTypes"), from: leaf },
  bootDisk: { own: true, of: bootDisk },
  attachedDisks: { own: true, inPlace: true, of: attachment },
  networkInterfaces: { of: networkInterface },
  metadata: { own: true, inPlace: true },
  metadataStartupScript: { own: true },
  tags: { inPlace: true, rest: "tags.items", unordered: true },
  description: { inPlace: true },
  hostname: {},
  canIpForward: { inPlace: true },
  deletionProtection: { inPlace: true },
  enableDisplay: { inPlace: true, rest: "displayDevice.enableDisplay" },
  minCpuPlatform: { computed: true, inPlace: true },
  resourcePolicies: { own: true, inPlace: true },
  scheduling: { computed: true, of: scheduling },
  serviceAccount: { own: true, inPlace: true },
  shieldedInstanceConfig: {
    computed: true,
    inPlace: true,
    of: { enableSecureBoot: {}, enableVtpm: {}, enableIntegrityMonitoring: {} },
  },
  confidentialInstanceConfig: { of: { enableConfidentialCompute: {}, confidentialInstanceType: {} } },
  // The provider's own.
  allowStoppingForUpdate: { own: true, inPlace: true },
  desiredStatus: { own: true, inPlace: true },
};

/** What the table does not translate: disks, metadata, the service account, policies. */
export function instanceBody(inputs: Props, scope: Scope): Props {
  const metadata = metadataItems(inputs);
  const boot = isObject(inputs["bootDisk"]) ? inputs["bootDisk"] : {};
  const attached = list(inputs["attachedDisks"]).map((disk) => ({
    type: "PERSISTENT",
    ...encode(attachment, disk, scope),
  }));
  return {
    disks: [{ type: "PERSISTENT", boot: true, ...encode(bootDisk, boot, scope) }, ...attached],
    ...(metadata.length > 0 ? { metadata: { items: metadata } } : {}),
    ...serviceAccounts(inputs),
    ...policies(inputs, scope),
  };
}

/** Metadata in Compute's list form, including the start-up script of `metadataStartupScript`. Throws if there are two scripts. */
export function metadataItems(inputs: Props): { key: string; value: string }[] {
  const metadata = texts(inputs["metadata"]);
  const script = text(inputs, "metadataStartupScript");
  if (script !== undefined && STARTUP_SCRIPT in metadata)
    throw new Error("Cannot provide both metadataStartupScript and metadata.startup-script.");
  const all = script === undefined ? metadata : { ...metadata, [STARTUP_SCRIPT]: script };
  return Object.entries(all).map(([key, value]) => ({ key, value }));
}

/** The service account as an insert and `setServiceAccount` take it. */
export function serviceAccounts(inputs: Props): { serviceAccounts?: Props[] } {
  const account = inputs["serviceAccount"];
  return isObject(account) ? { serviceAccounts: [{ email: "default", ...account }] } : {};
}

/** The resource policies' links; the official provider takes a single one. */
export function policies(inputs: Props, scope: Scope): { resourcePolicies?: Value[] } {
  const policy = inputs["resourcePolicies"] ?? null;
  return policy === null ? {} : { resourcePolicies: [linked(POLICIES, policy, scope)] };
}

/** An attached disk as `attachDisk` takes it. */
export function attachedDisk(disk: Props, scope: Scope): Props {
  return { type: "PERSISTENT", ...encode(attachment, disk, scope) };
}

/** The objects of a list. */
export function list(value: Value | undefined): Props[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
