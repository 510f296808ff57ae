/** Instances: made, read and deleted. */
import { isObject, text, type Props, type Value } from "../../core/value";
import { decode } from "../fields";
import { resolveImage } from "../images";
import { attachment, instanceBody, instanceFields, list, networkInterface, STARTUP_SCRIPT } from "./instance-fields";
import { updateInstance } from "./instance-update";
import { leaf, relative, type Scope } from "../links";
import type { Context } from "../resource";
import type { RestKind } from "../rest";

export const instance: RestKind = {
  token: "gcp:compute/instance:Instance",
  args: ["compute/instance.d.ts", "InstanceArgs"],
  collection: "zones/{zone}/instances",
  labels: true,
  fields: instanceFields,
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
  // Unlike that of other types, the official provider's delete fails for an instance that is gone.
  deleteError: "Error deleting instance",
  mayDelete: (state) => {
    if (state["deletionProtection"] === true)
      throw new Error(
        `Cannot delete instance ${text(state, "name") ?? ""}: instance Deletion Protection is enabled. Set deletionProtection to false for this resource and run "pulumi up" before attempting to delete it`,
      );
  },
};

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

/** The disks that the program attached, in its order; then those that others attached. */
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

/** The fields of the boot disk that only the disk itself knows. */
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
