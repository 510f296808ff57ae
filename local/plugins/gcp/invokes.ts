/** Functions of the gcp provider that programs call. */
import { isObject, text, type Props } from "../core/value";
import type { Call } from "./api";
import { image } from "./resources/image";
import { instance } from "./resources/instance";
import { relative } from "./links";
import { texts, type Context } from "./resource";
import { stateOf } from "./rest";

interface Invoke {
  /** The declarations of the arguments; absent if there are none. */
  args?: readonly [file: string, name: string];
  call: (args: Props, context: Context) => Promise<Props>;
}

export const INVOKES: Record<string, Invoke> = {
  "gcp:projects/getProject:getProject": {
    args: ["projects/getProject.d.ts", "GetProjectArgs"],
    call: getProjects,
  },
  "gcp:organizations/getClientConfig:getClientConfig": {
    call: getClientConfig,
  },
  "gcp:compute/getInstance:getInstance": {
    args: ["compute/getInstance.d.ts", "GetInstanceArgs"],
    call: getInstance,
  },
  "gcp:compute/getInstanceGuestAttributes:getInstanceGuestAttributes": {
    args: ["compute/getInstanceGuestAttributes.d.ts", "GetInstanceGuestAttributesArgs"],
    call: getInstanceGuestAttributes,
  },
  "gcp:compute/getImage:getImage": {
    args: ["compute/getImage.d.ts", "GetImageArgs"],
    call: getImage,
  },
  "gcp:storage/getBucket:getBucket": {
    args: ["storage/getBucket.d.ts", "GetBucketArgs"],
    call: async (args, { api }) => {
      const name = text(args, "name") ?? "";
      const { location = "", labels = {} } = await api.send({ method: "GET", path: `/storage/v1/b/${name}` });
      return { id: name, name, location, labels };
    },
  },
  "gcp:storage/getBucketObjectContent:getBucketObjectContent": {
    args: ["storage/getBucketObjectContent.d.ts", "GetBucketObjectContentArgs"],
    call: async (args, { api }) => {
      const [bucket, name] = [text(args, "bucket") ?? "", text(args, "name") ?? ""];
      return { id: `${bucket}-${name}`, bucket, name, content: await api.content(bucket, name) };
    },
  },
};

/** The projects that match a filter. */
async function getProjects(args: Props, { api }: Context): Promise<Props> {
  const filter = text(args, "filter") ?? "";
  const { projects } = await api.send({ method: "GET", path: "/cloudresourcemanager/v1/projects", query: { filter } });
  const found = (Array.isArray(projects) ? projects : []).filter(isObject).map((one) => ({
    projectId: one["projectId"] ?? "",
    name: one["name"] ?? "",
    number: one["projectNumber"] ?? "",
    createTime: one["createTime"] ?? "",
    lifecycleState: one["lifecycleState"] ?? "",
    labels: {},
    parent: {},
  }));
  return { id: filter, filter, projects: found };
}

/** The provider's own settings, and the token that it calls Google with. */
function getClientConfig(_args: Props, { api, settings }: Context): Promise<Props> {
  const { project = "", region = "", zone = "", labels } = settings;
  const id = `projects/"${project}"/regions/"${region}"/zones/"${zone}"/universe_domain/""`;
  return Promise.resolve({ id, project, region, zone, accessToken: api.token, defaultLabels: labels });
}

async function getInstance(args: Props, context: Context): Promise<Props> {
  const path = instancePath(args, context);
  const answer = await context.api.find(path);
  if (!answer) throw notFound(path);
  return instanceResult(path, answer, context);
}

/** The official provider's data source: a resource's single value is a list there. Pure. */
export function instanceResult(path: string, answer: Props, context: Pick<Context, "settings">): Props {
  const state = stateOf(instance, path, answer, {}, context);
  const { bootDisk, serviceAccount, scheduling, shieldedInstanceConfig, confidentialInstanceConfig, ...rest } = state;
  const once = (value: Props[string] | undefined) => (value === undefined ? [] : [value]);
  const policies = answer["resourcePolicies"];
  return {
    ...rest,
    labels: texts(answer["labels"]),
    pulumiLabels: texts(answer["labels"]),
    bootDisks: once(bootDisk),
    serviceAccounts: once(serviceAccount),
    schedulings: once(scheduling),
    shieldedInstanceConfigs: once(shieldedInstanceConfig),
    confidentialInstanceConfigs: once(confidentialInstanceConfig),
    resourcePolicies: Array.isArray(policies) ? policies : [],
    deletionProtection: answer["deletionProtection"] ?? false,
    canIpForward: answer["canIpForward"] ?? false,
    description: answer["description"] ?? "",
    hostname: answer["hostname"] ?? "",
    desiredStatus: "",
    metadataStartupScript: "",
  };
}

/** By name, or the newest of a family. Throws if there is none. */
async function getImage(args: Props, context: Context): Promise<Props> {
  const project = text(args, "project") ?? context.settings.project ?? "";
  const [name, family] = [text(args, "name"), text(args, "family")];
  const path = `projects/${project}/global/images/${name ?? `family/${family ?? ""}`}`;
  const answer = await context.api.find(path);
  if (!answer) throw new Error(`error retrieving image information: googleapi: Error 404: '${path}' was not found`);
  const found = text(answer, "name") ?? "";
  return {
    ...stateOf(image, `projects/${project}/global/images/${found}`, answer, {}, context),
    imageId: answer["id"] ?? "",
  };
}

/** As in the official provider, a missing instance is an error. Where its attributes cannot be read, for any reason, the result is empty. */
async function getInstanceGuestAttributes(args: Props, context: Context): Promise<Props> {
  const path = instancePath(args, context);
  if (!(await context.api.find(path))) throw notFound(path);
  const query = guestAttributesQuery(args);
  const answer = await context.api.find(`${path}/getGuestAttributes`, query).catch(() => undefined);
  if (answer === undefined) return {};
  const value = isObject(answer["queryValue"]) ? answer["queryValue"]["items"] : undefined;
  return {
    ...args,
    ...placeOf(path),
    id: answer["selfLink"] ?? "",
    variableValue: answer["variableValue"] ?? "",
    queryValues: Array.isArray(value) ? value.filter(isObject) : [],
    region: args["region"] ?? context.settings.region ?? "",
  };
}

/** Which of an instance's guest attributes are requested. Throws if both arguments are set. */
function guestAttributesQuery(args: Props): NonNullable<Call["query"]> {
  const queryPath = text(args, "queryPath");
  const variableKey = text(args, "variableKey");
  if (queryPath !== undefined && variableKey !== undefined) throw new Error('"queryPath": conflicts with variableKey');
  return { ...(queryPath === undefined ? {} : { queryPath }), ...(variableKey === undefined ? {} : { variableKey }) };
}

/** The instance that the arguments name, by link or by name and zone. Throws if they name no instance. */
function instancePath(args: Props, { settings }: Context): string {
  const link = text(args, "selfLink");
  if (link !== undefined) return relative(link);
  const project = text(args, "project") ?? settings.project;
  const zone = text(args, "zone") ?? settings.zone;
  const name = text(args, "name");
  if (name === undefined) throw new Error("name: required field is not set");
  if (project === undefined) throw new Error("project: required field is not set; set it here or as gcp:project");
  if (zone === undefined) throw new Error("zone: required field is not set; set it here or as gcp:zone");
  return `projects/${project}/zones/${zone}/instances/${name}`;
}

function placeOf(path: string): Props {
  const [, project = "", , zone = "", , name = ""] = path.split("/");
  return { project, zone, name };
}

function notFound(path: string): Error {
  return new Error(`Instance ${path} not found`);
}
