/** Resource policies (instance and snapshot schedules), and their attachment to instances. */
import { text } from "../../core/value";
import { leaf } from "../links";
import type { Kind } from "../resource";
import { gone, patch, type RestKind } from "../rest";

export const resourcePolicy: RestKind = {
  token: "gcp:compute/resourcePolicy:ResourcePolicy",
  storesFailed: true,
  args: ["compute/resourcePolicy.d.ts", "ResourcePolicyArgs"],
  collection: "regions/{region}/resourcePolicies",
  fields: {
    description: { inPlace: true },
    instanceSchedulePolicy: {
      inPlace: true,
      of: {
        timeZone: {},
        startTime: {},
        expirationTime: {},
        vmStartSchedule: { of: { schedule: {} } },
        vmStopSchedule: { of: { schedule: {} } },
      },
    },
    snapshotSchedulePolicy: {
      inPlace: true,
      of: {
        retentionPolicy: { of: { maxRetentionDays: {}, onSourceDiskDelete: {} } },
        schedule: {
          of: {
            dailySchedule: { of: { daysInCycle: {}, startTime: {} } },
            hourlySchedule: { of: { hoursInCycle: {}, startTime: {} } },
            weeklySchedule: { of: { dayOfWeeks: { of: { day: {}, startTime: {} } } } },
          },
        },
        snapshotProperties: {
          of: {
            labels: {},
            guestFlush: {},
            chainName: {},
            storageLocations: { once: true },
          },
        },
      },
    },
  },
  outputs: { selfLink: {} },
  update: (change) => {
    const call = patch(resourcePolicy.fields, change);
    return call ? [call] : [];
  },
};

/** A policy on an instance or on a disk. Id: project, zone, instance or disk, policy. */
function attachment(kind: "instance" | "disk", token: string, args: Kind["args"]): Kind {
  const parts = (id: string) => {
    const [project = "", zone = "", owner = "", name = ""] = id.split("/");
    return {
      path: `projects/${project}/zones/${zone}/${kind}s/${owner}`,
      policy: `projects/${project}/regions/${zone.replace(/-[a-z]$/, "")}/resourcePolicies/${name}`,
      state: { name, project, zone, [kind]: owner, id },
    };
  };
  return {
    token,
    args,
    place: "zone",
    fields: { name: {}, [kind]: {} },
    computed: ["id"],
    create: async (inputs, { project, zone = "" }, { api }) => {
      const id = [project, zone, leaf(inputs[kind]), text(inputs, "name") ?? ""].join("/");
      const { path, policy, state } = parts(id);
      await api.change({ method: "POST", path: `${path}/addResourcePolicies`, body: { resourcePolicies: [policy] } });
      return { id, state: { ...inputs, ...state } };
    },
    read: async (id, inputs, { api }) => {
      const { path, state } = parts(id);
      const attached = (await api.find(path))?.["resourcePolicies"];
      const found = Array.isArray(attached) && attached.some((link) => leaf(link) === state.name);
      return found ? { ...state, ...inputs, id } : undefined;
    },
    update: (id, { inputs }) => Promise.resolve({ ...inputs, id }),
    delete: async (id, _, { api }) => {
      const { path, policy } = parts(id);
      const body = { resourcePolicies: [policy] };
      await gone(() => api.change({ method: "POST", path: `${path}/removeResourcePolicies`, body }));
    },
  };
}

export const resourcePolicyAttachment = attachment(
  "instance",
  "gcp:compute/resourcePolicyAttachment:ResourcePolicyAttachment",
  ["compute/resourcePolicyAttachment.d.ts", "ResourcePolicyAttachmentArgs"],
);

export const diskResourcePolicyAttachment = attachment(
  "disk",
  "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment",
  ["compute/diskResourcePolicyAttachment.d.ts", "DiskResourcePolicyAttachmentArgs"],
);
