/** Instances. What replaces and what changes in place is as in the official provider. */
import { isObject, text, type Props, type Value } from "../core/value";
import { encode, decode, type Fields } from "./fields";
import { resolveImage } from "./images";
import { updateInstance } from "./instance-update";
import { leaf, linked, linkTo, relative, type Scope } from "./links";
import { NETWORKS, SUBNETWORKS } from "./network";
import type { Context } from "./resource";
import type { RestKind } from "./rest";
import { texts } from "./resource";

const POLICIES = "regions/{region}/resourcePolicies";
const STARTUP_SCRIPT = "startup-script";

const accessConfig: Fields = {
  natIp: { computed: true, rest: "natIP" },
  networkTier: { computed: true },
  publicPtrDomainName: {},
  // Compute knows no other type; the official provider does not show it.
  type: { otherwise: "ONE_TO_ONE_NAT" },
};

const networkInterface: Fields = {
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

/** How a disk is attached, as the boot disk and the others have it in common. */
const attachment: Fields = {
  deviceName: { computed: true },
  mode: { otherwise: "READ_WRITE" },
  source: { computed: true, to: linkTo("zones/{zone}/disks") },
};

const initializeParams: Fields = {
  // Which image a disk was made from never changes, however the program names it.
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

const fields: Fields = {
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

export const instance: RestKind = {
  token: "gcp:compute/instance:Instance",
  args: ["compute/instance.d.ts", "InstanceArgs"],
  collection: "zones/{zone}/instances",
  labels: true,
  fields,
  outputs: {
    selfLink: {},
    creationTimestamp: {},
    cpuPlatform: {},
    currentStatus: { rest: "status" },
    instanceId: { rest: "id", from: String },
    metadataFingerprint: { rest: "metadata.fingerprint" },
    tagsFingerprint: { rest: "tags.fingerprint" },
  },
  prepare: withImage,
  body: instanceBody,
  state: instanceState,
  complete: withBootDisk,
  // Only to be stopped at first; everything else that Compute does not know is nothing to be done about.
  settle: (inputs, path) =>
    inputs["desiredStatus"] === "TERMINATED" ? [{ method: "POST", path: `${path}/stop` }] : [],
  update: updateInstance,
  mayDelete: (state) => {
    if (state["deletionProtection"] === true)
      throw new Error(
        `Cannot delete instance ${text(state, "name") ?? ""}: instance Deletion Protection is enabled. Set deletionProtection to false for this resource and run "pulumi up" before attempting to delete it`,
      );
  },
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

/** Metadata as Compute lists it, the start-up script of `metadataStartupScript` among it. Throws where there are two. */
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

function instanceState(answer: Props, inputs: Props): Props {
  const metadata = isObject(answer["metadata"]) ? list(answer["metadata"]["items"]) : [];
  const script = text(inputs, "metadataStartupScript");
  const items = metadata.filter(({ key }) => script === undefined || key !== STARTUP_SCRIPT);
  const disks = list(answer["disks"]);
  const boot = disks.find((disk) => disk["boot"] === true) ?? {};
  const wanted = isObject(inputs["bootDisk"]) ? inputs["bootDisk"] : {};
  const [account] = list(answer["serviceAccounts"]);
  const [policy] = Array.isArray(answer["resourcePolicies"]) ? answer["resourcePolicies"] : [];
  return {
    metadata: Object.fromEntries(items.map((item) => [text(item, "key") ?? "", item["value"] ?? ""])),
    tags: decode({ tags: { rest: "tags.items" } }, answer)["tags"] ?? [],
    bootDisk: { ...wanted, ...decode({ ...attachment, autoDelete: {} }, boot) },
    attachedDisks: inOrder(
      disks.filter((disk) => disk["boot"] !== true),
      list(inputs["attachedDisks"]),
    ),
    ...(account ? { serviceAccount: account } : {}),
    ...(policy === undefined ? {} : { resourcePolicies: policy }),
    ...(text(inputs, "desiredStatus") === undefined ? {} : { desiredStatus: answer["status"] ?? "" }),
    networkInterfaces: list(answer["networkInterfaces"]).map(interfaceState),
  };
}

function interfaceState(answer: Props): Props {
  const { accessConfigs, ...rest } = decode(networkInterface, answer);
  const shown = list(accessConfigs).map((config) => without(config, "type"));
  const project = /projects\/([^/]+)\//.exec(text(rest, "subnetwork") ?? "")?.[1];
  return { ...rest, accessConfigs: shown, ...(project === undefined ? {} : { subnetworkProject: project }) };
}

/** The disks that the program attached, as it lists them; then those that others attached. */
function inOrder(disks: Props[], wanted: Props[]): Value[] {
  const source = (disk: Props) => relative(text(disk, "source") ?? "");
  const rank = (disk: Props) => {
    const at = wanted.findIndex((one) => source(disk).endsWith(`/${leaf(one["source"])}`));
    return at < 0 ? wanted.length : at;
  };
  return [...disks].sort((a, b) => rank(a) - rank(b)).map((disk) => decode(attachment, disk));
}

async function withImage(inputs: Props, { project }: Scope, { api }: Context): Promise<Props> {
  const boot = inputs["bootDisk"];
  const params = isObject(boot) ? boot["initializeParams"] : undefined;
  const image = isObject(params) ? text(params, "image") : undefined;
  if (!isObject(boot) || !isObject(params) || image === undefined) return inputs;
  const sourceImage = await resolveImage(api, image, project);
  return { ...inputs, bootDisk: { ...boot, initializeParams: { ...params, image: sourceImage } } };
}

/** What only the disk itself knows of the boot disk. */
async function withBootDisk(state: Props, { api }: Context): Promise<Props> {
  const boot = state["bootDisk"];
  const source = isObject(boot) ? text(boot, "source") : undefined;
  const disk = source === undefined ? undefined : await api.find(relative(source));
  if (!isObject(boot) || !disk) return state;
  const given = isObject(boot["initializeParams"]) ? boot["initializeParams"] : {};
  const found = decode(
    { image: { rest: "sourceImage" }, size: { rest: "sizeGb", from: Number }, type: { from: leaf }, labels: {} },
    disk,
  );
  return { ...state, bootDisk: { ...boot, initializeParams: { ...given, ...found } } };
}

function without(props: Props, name: string): Props {
  return Object.fromEntries(Object.entries(props).filter(([key]) => key !== name));
}

/** The objects of a list. */
function list(value: Value | undefined): Props[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
