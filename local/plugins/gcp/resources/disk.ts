/** Separate disks, and their attachment to instances. */
import { isObject, text, type Props } from "../../core/value";
import { resolveImage } from "../images";
import { leaf, linked, linkTo } from "../links";
import type { Kind } from "../resource";
import { gone, scopeOfPath, type RestKind } from "../rest";

const DISKS = "zones/{zone}/disks";

export const disk: RestKind = {
  token: "gcp:compute/disk:Disk",
  args: ["compute/disk.d.ts", "DiskArgs"],
  collection: DISKS,
  labels: true,
  fields: {
    description: {},
    // However the program names the image, it stays the one that the disk was made from.
    image: { rest: "sourceImage", keep: true },
    snapshot: { rest: "sourceSnapshot", to: linkTo("global/snapshots") },
    size: { computed: true, inPlace: true, rest: "sizeGb", from: Number },
    type: { to: linkTo("zones/{zone}/diskTypes"), from: leaf, otherwise: "pd-standard" },
    physicalBlockSizeBytes: { computed: true, from: Number },
  },
  outputs: {
    selfLink: {},
    creationTimestamp: {},
    diskId: { rest: "id" },
    users: {},
    lastAttachTimestamp: {},
    lastDetachTimestamp: {},
    sourceImageId: {},
  },
  prepare: async (inputs, { project }, { api }) => {
    const image = text(inputs, "image");
    return image === undefined ? inputs : { ...inputs, image: await resolveImage(api, image, project) };
  },
  // An update that failed half-way may already have done this part.
  update: ({ changed, path, inputs, current }) =>
    changed("size") && Number(current["sizeGb"]) !== inputs["size"]
      ? [{ method: "POST", path: `${path}/resize`, body: { sizeGb: inputs["size"] ?? null } }]
      : [],
};

const INSTANCES = "zones/{zone}/instances";

/** Id: the instance's path and the disk's name. */
export const attachedDisk: Kind = {
  token: "gcp:compute/attachedDisk:AttachedDisk",
  args: ["compute/attachedDisk.d.ts", "AttachedDiskArgs"],
  fields: {
    instance: {},
    disk: {},
    zone: { computed: true, own: true },
    deviceName: { computed: true },
    mode: { otherwise: "READ_WRITE" },
  },
  computed: ["id"],
  create: async (inputs, scope, { api, settings }) => {
    const zone = text(inputs, "zone") ?? settings.zone;
    const place = { ...scope, ...(zone === undefined ? {} : { zone }) };
    const instance = linked(INSTANCES, inputs["instance"], place);
    const source = linked(DISKS, inputs["disk"], { ...place, ...scopeOfPath(instance) });
    const id = `${instance}/${leaf(source)}`;
    const body = {
      source,
      mode: inputs["mode"] ?? "READ_WRITE",
      ...(inputs["deviceName"] === undefined ? {} : { deviceName: inputs["deviceName"] }),
    };
    await api.change({ method: "POST", path: `${instance}/attachDisk`, body });
    const found = attachedTo(id, (await api.find(instance)) ?? {}) ?? {};
    return { id, state: { ...inputs, ...found, id } };
  },
  read: async (id, inputs, { api }) => {
    const instance = id.replace(/\/[^/]+$/, "");
    const found = attachedTo(id, (await api.find(instance)) ?? {});
    return found && { instance, disk: leaf(id), ...inputs, ...found, id };
  },
  update: (id, { inputs }) => Promise.resolve({ ...inputs, id }),
  delete: async (id, _, { api }) => {
    const instance = id.replace(/\/[^/]+$/, "");
    const deviceName = text(attachedTo(id, (await api.find(instance)) ?? {}) ?? {}, "deviceName");
    if (deviceName === undefined) return;
    await gone(() => api.change({ method: "POST", path: `${instance}/detachDisk`, query: { deviceName } }));
  },
};

function attachedTo(id: string, instance: Props): Props | undefined {
  const disks = Array.isArray(instance["disks"]) ? instance["disks"].filter(isObject) : [];
  const found = disks.find((one) => leaf(one["source"]) === leaf(id));
  const { project, zone } = scopeOfPath(id);
  return (
    found && { deviceName: found["deviceName"] ?? "", mode: found["mode"] ?? "READ_WRITE", project, zone: zone ?? "" }
  );
}
