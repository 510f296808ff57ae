/** Members, bindings and whole IAM policies: each policy is read, changed and written back, guarded by its etag. */
import { isObject, text, type Props, type Value } from "../../core/value";
import { ApiError, type Api, type Call } from "../api";
import { leaf, type Scope } from "../links";
import { Mutex } from "../mutex";
import type { Context, Kind } from "../resource";
import { gone } from "../rest";

const changing = new Mutex();
/** Maximum restarts if someone else changed the policy in the meantime. */
const ATTEMPTS = 10;

/** A resource's part of a policy: which fields name it, and how to add it to the bindings and remove it. */
interface Part {
  fields: Kind["fields"];
  put: (bindings: Props[], inputs: Props) => Props[];
  take: (bindings: Props[], inputs: Props) => Props[];
  /** The policy's own value; undefined if the policy lacks it. */
  found: (bindings: Props[], inputs: Props) => Props | undefined;
  /** The last part of its id. */
  id: (inputs: Props) => string;
}

/** One member in one role. */
const MEMBER: Part = {
  fields: { member: {} },
  put: (all, inputs) => [...without(all, inputs), bindingOf(inputs)],
  take: without,
  found: (all, inputs) => (holds(all, inputs) ? inputs : undefined),
  id: idOf,
};

/** All members of one role; those of other roles stay. */
const BINDING: Part = {
  fields: { members: { inPlace: true, unordered: true } },
  put: (all, inputs) => [
    ...BINDING.take(all, inputs),
    ...(membersOf(inputs).length > 0 ? [{ ...bindingOf(inputs), members: membersOf(inputs) }] : []),
  ],
  take: (all, inputs) => all.filter((one) => !sameRole(one, inputs)),
  found: (all, inputs) => {
    const own = all.find((one) => sameRole(one, inputs));
    return own && { ...inputs, members: [...membersOf(own)].sort() };
  },
  id: (inputs) => idOf({ ...inputs, member: "" }),
};

/** @param policy the path of the resource that has the policy */
function partOfPolicy(
  part: Part,
  token: string,
  args: Kind["args"],
  fields: Kind["fields"],
  policy: (props: Props, scope: Scope) => string,
  place?: "zone",
): Kind {
  const pathOf = (props: Props, { settings }: Context) =>
    policy(props, { project: text(props, "project") ?? settings.project ?? "", zone: text(props, "zone") ?? "" });
  return {
    token,
    args,
    ...(place ? { place } : {}),
    storesFailed: true,
    fields: { role: {}, condition: { of: { title: {}, description: {}, expression: {} } }, ...part.fields, ...fields },
    computed: ["id", "etag"],
    create: async (inputs, scope, { api }) => {
      const path = policy(inputs, scope);
      await change(api, path, (all) => part.put(all, inputs));
      const id = `${path}/${part.id(inputs)}`;
      return { id, state: { ...inputs, ...scope, id } };
    },
    read: async (id, inputs, context) => {
      const found = part.found(bindingsOf(await find(context.api, pathOf(inputs, context))), inputs);
      return found && { ...found, id };
    },
    update: async (id, { inputs }, context) => {
      await change(context.api, pathOf(inputs, context), (all) => part.put(all, inputs));
      return { ...inputs, id };
    },
    delete: (id, state, { api }) =>
      gone(() => change(api, id.slice(0, -`/${part.id(state)}`.length), (all) => part.take(all, state))),
  };
}

/** The whole policy of an instance. */
const instancePolicy: Kind = {
  token: "gcp:compute/instanceIAMPolicy:InstanceIAMPolicy",
  args: ["compute/instanceIAMPolicy.d.ts", "InstanceIAMPolicyArgs"],
  place: "zone",
  storesFailed: true,
  fields: { instanceName: {}, policyData: { inPlace: true } },
  computed: ["id", "etag"],
  create: async (inputs, { project, zone = "" }, { api }) => {
    const id = instancePath(inputs, { project, zone });
    const etag = await overwrite(api, id, { bindings: policyIn(inputs) });
    return { id, state: { ...inputs, project, zone, id, etag } };
  },
  read: async (id, inputs, { api }) => {
    const policy = await find(api, id);
    const now = policy && JSON.stringify({ bindings: bindingsOf(policy) });
    const same = normal(bindingsOf(policy)) === normal(policyIn(inputs));
    const etag = text(policy ?? {}, "etag") ?? "";
    return policy && { ...inputs, policyData: same ? (inputs["policyData"] ?? "") : (now ?? ""), id, etag };
  },
  update: async (id, { inputs }, { api }) => {
    return { ...inputs, id, etag: await overwrite(api, id, { bindings: policyIn(inputs) }) };
  },
  // As the official provider: the policy must be the one that the state knows, and an instance that is gone is an error.
  delete: async (id, state, { api }) => {
    await overwrite(api, id, { bindings: [], etag: text(state, "etag") ?? "" });
  },
};

/** Writes a whole policy, whatever was there; with an etag only if that is what was there. Answers the new etag. */
async function overwrite(api: Api, path: string, policy: Props): Promise<string> {
  return text(await api.send(writing(path, policy)), "etag") ?? "";
}

function policyIn(inputs: Props): Props[] {
  return bindingsOf(JSON.parse(text(inputs, "policyData") ?? "{}") as Props);
}

/** Bindings as a text that is independent of their order. */
function normal(bindings: Props[]): string {
  const texts = bindings.map((one) => JSON.stringify([idOf({ ...one, member: "" }), [...membersOf(one)].sort()]));
  return JSON.stringify(texts.sort());
}

function instancePath(props: Props, { project, zone = "" }: Scope): string {
  return `projects/${project}/zones/${zone}/instances/${leaf(props["instanceName"])}`;
}

function tunnelPath(props: Props, { project, zone = "" }: Scope): string {
  return `/iap/v1/projects/${project}/iap_tunnel/zones/${zone}/instances/${leaf(props["instance"])}`;
}

function accountPath(props: Props): string {
  return `/iam/v1/${text(props, "serviceAccountId") ?? ""}`;
}

function projectPath(_: Props, { project }: Scope): string {
  return `/cloudresourcemanager/v1/projects/${project}`;
}

export const IAM_KINDS: readonly Kind[] = [
  partOfPolicy(
    MEMBER,
    "gcp:projects/iAMMember:IAMMember",
    ["projects/iammember.d.ts", "IAMMemberArgs"],
    {},
    projectPath,
  ),
  partOfPolicy(
    BINDING,
    "gcp:projects/iAMBinding:IAMBinding",
    ["projects/iambinding.d.ts", "IAMBindingArgs"],
    {},
    projectPath,
  ),
  partOfPolicy(
    MEMBER,
    "gcp:serviceaccount/iAMMember:IAMMember",
    ["serviceaccount/iammember.d.ts", "IAMMemberArgs"],
    { serviceAccountId: {} },
    accountPath,
  ),
  partOfPolicy(
    BINDING,
    "gcp:serviceaccount/iAMBinding:IAMBinding",
    ["serviceaccount/iambinding.d.ts", "IAMBindingArgs"],
    { serviceAccountId: {} },
    accountPath,
  ),
  partOfPolicy(
    BINDING,
    "gcp:iap/tunnelInstanceIAMBinding:TunnelInstanceIAMBinding",
    ["iap/tunnelInstanceIAMBinding.d.ts", "TunnelInstanceIAMBindingArgs"],
    { instance: {} },
    tunnelPath,
    "zone",
  ),
  partOfPolicy(
    MEMBER,
    "gcp:secretmanager/secretIamMember:SecretIamMember",
    ["secretmanager/secretIamMember.d.ts", "SecretIamMemberArgs"],
    { secretId: {} },
    (props, { project }) => `/secretmanager/v1/projects/${project}/secrets/${leaf(props["secretId"])}`,
  ),
  partOfPolicy(
    MEMBER,
    "gcp:compute/instanceIAMMember:InstanceIAMMember",
    ["compute/instanceIAMMember.d.ts", "InstanceIAMMemberArgs"],
    { instanceName: {} },
    instancePath,
    "zone",
  ),
  instancePolicy,
  partOfPolicy(
    MEMBER,
    "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember",
    ["iap/tunnelInstanceIAMMember.d.ts", "TunnelInstanceIAMMemberArgs"],
    { instance: {} },
    tunnelPath,
    "zone",
  ),
  partOfPolicy(
    MEMBER,
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    ["storage/bucketIAMMember.d.ts", "BucketIAMMemberArgs"],
    { bucket: {} },
    (props) => `/storage/v1/b/${text(props, "bucket") ?? ""}`,
  ),
];

/** A member's own binding. The same role with another condition, or with none, is a different binding. */
function bindingOf(props: Props): Props {
  const { role = "", member: name = "", condition } = props;
  return { role, members: [name], ...(isObject(condition) ? { condition } : {}) };
}

/** The end of an id, as in the official provider. */
function idOf(props: Props): string {
  const title = isObject(props["condition"]) ? `/${text(props["condition"], "title") ?? ""}` : "";
  return `${text(props, "role") ?? ""}/${text(props, "member") ?? ""}${title}`;
}

async function change(api: Api, path: string, next: (bindings: Props[]) => Props[]): Promise<void> {
  await changing.run(path, async () => {
    for (let attempt = 1; ; attempt++) {
      const policy = await api.send(reading(path));
      try {
        await api.send(writing(path, { ...policy, bindings: next(bindingsOf(policy)) }));
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 409 || attempt === ATTEMPTS) throw error;
      }
    }
  });
}

/** Without it, Google leaves out bindings with conditions. */
const VERSION = { optionsRequestedPolicyVersion: "3" };

/** The policies of buckets and instances are read by GET, all others by a verb. */
function reading(path: string): Call {
  if (path.startsWith("/storage/")) return { method: "GET", path: `${path}/iam`, query: VERSION };
  return path.startsWith("projects/")
    ? { method: "GET", path: `${path}/getIamPolicy`, query: VERSION }
    : { method: "POST", path: `${path}:getIamPolicy`, body: { options: { requestedPolicyVersion: 3 } } };
}

/** A policy, or `undefined` if its resource is gone. */
async function find(api: Api, path: string): Promise<Props | undefined> {
  try {
    return await api.send(reading(path));
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

function writing(path: string, policy: Props): Call {
  if (path.startsWith("/storage/")) return { method: "PUT", path: `${path}/iam`, body: policy };
  const verb = path.startsWith("projects/") ? "/setIamPolicy" : ":setIamPolicy";
  return { method: "POST", path: `${path}${verb}`, body: { policy: { ...policy, version: 3 } } };
}

function bindingsOf(policy: Props | undefined): Props[] {
  const bindings = policy?.["bindings"];
  return Array.isArray(bindings) ? bindings.filter(isObject) : [];
}

function membersOf({ members }: Props): Value[] {
  return Array.isArray(members) ? members : [];
}

function sameRole(one: Props, props: Props): boolean {
  const [a, b] = [one, props].map(({ role, condition }) => {
    const { title, description, expression } = isObject(condition) ? condition : {};
    return JSON.stringify([role, title, description ?? "", expression]);
  });
  return a === b;
}

function holds(bindings: Props[], props: Props): boolean {
  return bindings.some((one) => sameRole(one, props) && membersOf(one).includes(props["member"] ?? ""));
}

function without(bindings: Props[], props: Props): Props[] {
  return bindings.map((one) =>
    sameRole(one, props) ? { ...one, members: membersOf(one).filter((other) => other !== props["member"]) } : one,
  );
}
