/** Changes of an instance in place: which calls, in which order, and which of them need a stopped instance. Pure. */
import { isObject, text, type Props } from "../../core/value";
import type { Call } from "../api";
import { encode } from "../fields";
import { attachedDisk, instanceFields, list, metadataItems, policies, serviceAccounts } from "./instance-fields";
import { relative } from "../links";
import type { RestUpdate } from "../rest";

type Step = (change: RestUpdate) => Call[];

const post = (action: string, body?: Props, query?: Record<string, string>): Step => {
  return ({ path }) => [
    { method: "POST", path: `${path}/${action}`, ...(body ? { body } : {}), ...(query ? { query } : {}) },
  ];
};

/** What Compute changes while the instance runs. Labels are handled for every type. */
const LIVE: Record<string, Step> = {
  metadata: (change) => {
    const fingerprint = isObject(change.current["metadata"]) ? change.current["metadata"]["fingerprint"] : undefined;
    return post("setMetadata", { items: metadataItems(change.inputs), ...(fingerprint ? { fingerprint } : {}) })(
      change,
    );
  },
  tags: (change) => {
    const fingerprint = isObject(change.current["tags"]) ? change.current["tags"]["fingerprint"] : undefined;
    return post("setTags", { items: change.inputs["tags"] ?? [], ...(fingerprint ? { fingerprint } : {}) })(change);
  },
  resourcePolicies: (change) => {
    const before = policies(change.olds, change.scope);
    const after = policies(change.inputs, change.scope);
    return [
      ...(before.resourcePolicies ? post("removeResourcePolicies", before)(change) : []),
      ...(after.resourcePolicies ? post("addResourcePolicies", after)(change) : []),
    ];
  },
  scheduling: (change) => post("setScheduling", encoded("scheduling", change))(change),
  "bootDisk.initializeParams.size": (change) => {
    const params = isObject(change.inputs["bootDisk"]) ? change.inputs["bootDisk"]["initializeParams"] : undefined;
    const sizeGb = isObject(params) ? (params["size"] ?? null) : null;
    // An update that failed half-way may already have done this part.
    const done = sizeGb === null || Number(bootDisk(change.current)["diskSizeGb"]) === sizeGb;
    return done ? [] : [{ method: "POST", path: `${bootDiskPath(change)}/resize`, body: { sizeGb } }];
  },
  "bootDisk.autoDelete": (change) => {
    const boot = isObject(change.inputs["bootDisk"]) ? change.inputs["bootDisk"] : {};
    const query = {
      autoDelete: String(boot["autoDelete"] !== false),
      deviceName: text(bootDisk(change.current), "deviceName") ?? "",
    };
    return post("setDiskAutoDelete", undefined, query)(change);
  },
  attachedDisks,
  deletionProtection: (change) =>
    post("setDeletionProtection", undefined, {
      deletionProtection: String(change.inputs["deletionProtection"] === true),
    })(change),
};

/** What needs a stopped instance. */
const STOPPED: Record<string, Step> = {
  minCpuPlatform: (change) =>
    post("setMinCpuPlatform", { minCpuPlatform: change.inputs["minCpuPlatform"] ?? "" })(change),
  machineType: (change) =>
    post(
      "setMachineType",
      encode({ machineType: instanceFields["machineType"] ?? {} }, change.inputs, change.scope),
    )(change),
  serviceAccount: (change) =>
    post("setServiceAccount", serviceAccounts(change.inputs).serviceAccounts?.[0] ?? { email: "" })(change),
  enableDisplay: ({ path, inputs }) => [
    { method: "PATCH", path: `${path}/updateDisplayDevice`, body: { enableDisplay: inputs["enableDisplay"] ?? false } },
  ],
  shieldedInstanceConfig: (change) => [
    {
      method: "PATCH",
      path: `${change.path}/updateShieldedInstanceConfig`,
      body: encoded("shieldedInstanceConfig", change),
    },
  ],
};

/** Changes in place that the official provider supports and this one does not. */
const BEYOND = ["description", "canIpForward", "networkInterfaces", "bootDisk.initializeParams.labels"];

/** The calls, in the official provider's order. Throws if the instance would have to be stopped but must not be. */
export function updateInstance(change: RestUpdate): Call[] {
  const beyond = BEYOND.find((rule) => change.changed(rule));
  if (beyond !== undefined)
    throw new Error(`${beyond}: the local stand-in for the gcp provider does not change it in place`);
  const steps = (table: Record<string, Step>) =>
    Object.entries(table)
      .filter(([rule]) => change.changed(rule))
      .flatMap(([, step]) => step(change));
  const stopped = steps(STOPPED);
  return [...steps(LIVE), ...(stopped.length > 0 ? whileStopped(change, stopped) : status(change))];
}

function whileStopped(change: RestUpdate, calls: Call[]): Call[] {
  const now = text(change.current, "status");
  const desired = text(change.inputs, "desiredStatus");
  if (now === "RUNNING" && desired !== "TERMINATED" && change.inputs["allowStoppingForUpdate"] !== true)
    throw new Error(
      "Changing the machineType, minCpuPlatform, serviceAccount, enableDisplay or shieldedInstanceConfig on a started instance requires stopping it. " +
        "To acknowledge this, please set allowStoppingForUpdate = true in your config. " +
        'You can also stop it by setting desiredStatus = "TERMINATED", but the instance will not be restarted after the update.',
    );
  const restart = (now === "RUNNING" && desired !== "TERMINATED") || (now === "TERMINATED" && desired === "RUNNING");
  return [...(now === "TERMINATED" ? [] : post("stop")(change)), ...calls, ...(restart ? post("start")(change) : [])];
}

function status(change: RestUpdate): Call[] {
  const desired = text(change.inputs, "desiredStatus");
  if (!change.changed("desiredStatus") || desired === text(change.current, "status")) return [];
  if (desired === "RUNNING") return post("start")(change);
  return desired === "TERMINATED" ? post("stop")(change) : [];
}

/** Detaches disks that the program no longer names in this form, and attaches those that it newly names. */
function attachedDisks(change: RestUpdate): Call[] {
  const key = (disk: Props) => JSON.stringify([relative(text(disk, "source") ?? ""), disk["deviceName"], disk["mode"]]);
  const before = new Map(list(change.olds["attachedDisks"]).map((disk) => [key(disk), disk]));
  const after = new Map(list(change.inputs["attachedDisks"]).map((disk) => [key(disk), disk]));
  const present = list(change.current["disks"]);
  const detached = [...before]
    .filter(([name]) => !after.has(name))
    .flatMap(([, disk]) => {
      const source = relative(text(attachedDisk(disk, change.scope), "source") ?? "");
      return present.filter((one) => relative(text(one, "source") ?? "") === source);
    });
  return [
    ...detached.flatMap((disk) =>
      post("detachDisk", undefined, { deviceName: text(disk, "deviceName") ?? "" })(change),
    ),
    ...[...after]
      .filter(([name]) => !before.has(name))
      .flatMap(([, disk]) => post("attachDisk", attachedDisk(disk, change.scope))(change)),
  ];
}

function encoded(name: string, { inputs, scope }: RestUpdate): Props {
  const body = encode({ [name]: instanceFields[name] ?? {} }, inputs, scope)[name];
  return isObject(body) ? body : {};
}

function bootDisk(current: Props): Props {
  return list(current["disks"]).find((disk) => disk["boot"] === true) ?? {};
}

function bootDiskPath({ current }: RestUpdate): string {
  return relative(text(bootDisk(current), "source") ?? "");
}
