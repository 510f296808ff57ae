/** Resource policies (instance and snapshot schedules), and their attachment to instances. */
import { text } from "../core/value";
import { leaf } from "./links";
import type { Kind } from "./resource";
import { gone, patch, type RestKind } from "./rest";

export const resourcePolicy: RestKind = {
  token: "gcp:compute/resourcePolicy:ResourcePolicy",
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
        snapshotProperties: { of: { labels: {}, guestFlush: {}, chainName: {} } },
      },
    },
  },
  outputs: { selfLink: {} },
  update: (change) => {
    const call = patch(resourcePolicy.fields, change);
    return call ? [call] : [];
  },
};

/** Id: project, zone, instance, policy. */
export const resourcePolicyAttachment: Kind = {
  token: "gcp:compute/resourcePolicyAttachment:ResourcePolicyAttachment",
  args: ["compute/resourcePolicyAttachment.d.ts", "ResourcePolicyAttachmentArgs"],
  place: "zone",
  fields: { name: {}, instance: {} },
  computed: ["id"],
  create: async (inputs, { project, zone = "" }, { api }) => {
    const name = text(inputs, "name") ?? "";
    const instance = leaf(inputs["instance"]);
    const id = `${project}/${zone}/${instance}/${name}`;
    const { path, policy } = parts(id);
    await api.change({ method: "POST", path: `${path}/addResourcePolicies`, body: { resourcePolicies: [policy] } });
    return { id, state: { ...inputs, id, project, zone, instance, name } };
  },
  read: async (id, inputs, { api }) => {
    const { path, name, place } = parts(id);
    const attached = (await api.find(path))?.["resourcePolicies"];
    const found = Array.isArray(attached) && attached.some((link) => leaf(link) === name);
    return found ? { name, ...place, ...inputs, id } : undefined;
  },
  update: (id, { inputs }) => Promise.resolve({ ...inputs, id }),
  delete: async (id, _, { api }) => {
    const { path, policy } = parts(id);
    const body = { resourcePolicies: [policy] };
    await gone(() => api.change({ method: "POST", path: `${path}/removeResourcePolicies`, body }));
  },
};

function parts(id: string): { path: string; policy: string; name: string; place: Record<string, string> } {
  const [project = "", zone = "", instance = "", name = ""] = id.split("/");
  const region = zone.replace(/-[a-z]$/, "");
  return {
    path: `projects/${project}/zones/${zone}/instances/${instance}`,
    policy: `projects/${project}/regions/${region}/resourcePolicies/${name}`,
    name,
    place: { project, zone, instance },
  };
}
