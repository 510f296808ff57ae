/** Service accounts, and single members of IAM policies: each policy is read, changed and written back, guarded by its etag. */
import { isObject, text, type Props, type Value } from "../core/value";
import { ApiError, type Api, type Call } from "./api";
import { leaf, type Scope } from "./links";
import { Mutex } from "./mutex";
import type { Kind } from "./resource";
import { gone } from "./rest";

const changing = new Mutex();
/** Times to begin again when somebody else changed the policy meanwhile. */
const ATTEMPTS = 10;

const serviceAccount: Kind = {
  token: "gcp:serviceaccount/account:Account",
  args: ["serviceaccount/account.d.ts", "AccountArgs"],
  fields: { accountId: {}, displayName: {} },
  computed: ["id", "name", "email", "member", "uniqueId"],
  create: async (inputs, { project }, { api }) => {
    const body = { accountId: inputs["accountId"] ?? "", serviceAccount: { displayName: inputs["displayName"] ?? "" } };
    const made = await api.send({ method: "POST", path: `/iam/v1/projects/${project}/serviceAccounts`, body });
    return { id: text(made, "name") ?? "", state: accountState(made, inputs) };
  },
  read: async (id, inputs, { api }) => {
    const found = await api.find(`/iam/v1/${id}`);
    return found && accountState(found, inputs);
  },
  update: (id, { inputs }) => Promise.reject(new Error(`${id}: cannot change to ${JSON.stringify(inputs)}`)),
  delete: (id, _, { api }) =>
    gone(async () => {
      await api.send({ method: "DELETE", path: `/iam/v1/${id}` });
    }),
};

function accountState(answer: Props, inputs: Props): Props {
  const email = text(answer, "email") ?? "";
  const name = answer["name"] ?? "";
  return {
    ...inputs,
    id: name,
    name,
    email,
    member: `serviceAccount:${email}`,
    accountId: email.replace(/@.*$/, ""),
    displayName: answer["displayName"] ?? "",
    project: answer["projectId"] ?? "",
    uniqueId: answer["uniqueId"] ?? "",
  };
}

/** One member in one role. @param policy the resource that has the policy, as a path */
function member(
  token: string,
  args: Kind["args"],
  fields: Kind["fields"],
  policy: (props: Props, scope: Scope) => string,
  place?: "zone",
): Kind {
  return {
    token,
    args,
    ...(place ? { place } : {}),
    fields: { member: {}, role: {}, condition: { of: { title: {}, description: {}, expression: {} } }, ...fields },
    computed: ["id", "etag"],
    create: async (inputs, scope, { api }) => {
      const path = policy(inputs, scope);
      await change(api, path, (bindings) => [...without(bindings, inputs), bindingOf(inputs)]);
      const id = `${path}/${idOf(inputs)}`;
      return { id, state: { ...inputs, ...scope, id } };
    },
    read: async (id, inputs, { api, settings }) => {
      const scope = { project: text(inputs, "project") ?? settings.project ?? "", zone: text(inputs, "zone") ?? "" };
      const bindings = bindingsOf(await api.find(reading(policy(inputs, scope)).path));
      return holds(bindings, inputs) ? { ...inputs, id } : undefined;
    },
    update: (id, { inputs }) => Promise.resolve({ ...inputs, id }),
    delete: async (id, state, { api }) => {
      const path = id.slice(0, -`/${idOf(state)}`.length);
      await gone(() => change(api, path, (bindings) => without(bindings, state)));
    },
  };
}

export const IAM_KINDS: readonly Kind[] = [
  serviceAccount,
  member(
    "gcp:projects/iAMMember:IAMMember",
    ["projects/iammember.d.ts", "IAMMemberArgs"],
    {},
    (_, { project }) => `/cloudresourcemanager/v1/projects/${project}`,
  ),
  member(
    "gcp:serviceaccount/iAMMember:IAMMember",
    ["serviceaccount/iammember.d.ts", "IAMMemberArgs"],
    { serviceAccountId: {} },
    (props) => `/iam/v1/${text(props, "serviceAccountId") ?? ""}`,
  ),
  member(
    "gcp:secretmanager/secretIamMember:SecretIamMember",
    ["secretmanager/secretIamMember.d.ts", "SecretIamMemberArgs"],
    { secretId: {} },
    (props, { project }) => `/secretmanager/v1/projects/${project}/secrets/${leaf(props["secretId"])}`,
  ),
  member(
    "gcp:compute/instanceIAMMember:InstanceIAMMember",
    ["compute/instanceIAMMember.d.ts", "InstanceIAMMemberArgs"],
    { instanceName: {} },
    (props, { project, zone = "" }) =>
      `/iam/v1/projects/${project}/zones/${zone}/instances/${leaf(props["instanceName"])}`,
    "zone",
  ),
  member(
    "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember",
    ["iap/tunnelInstanceIAMMember.d.ts", "TunnelInstanceIAMMemberArgs"],
    { instance: {} },
    (props, { project, zone = "" }) =>
      `/iap/v1/projects/${project}/iap_tunnel/zones/${zone}/instances/${leaf(props["instance"])}`,
    "zone",
  ),
  member(
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    ["storage/bucketIAMMember.d.ts", "BucketIAMMemberArgs"],
    { bucket: {} },
    (props) => `/storage/v1/b/${text(props, "bucket") ?? ""}`,
  ),
];

/** A member's own binding; the same role under another condition, or none, is another one. */
function bindingOf(props: Props): Props {
  const { role = "", member: name = "", condition } = props;
  return { role, members: [name], ...(isObject(condition) ? { condition } : {}) };
}

/** As the official provider ends its ids. */
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

/** A bucket's policy is a resource of its own; all others have verbs. */
function isBucket(path: string): boolean {
  return path.startsWith("/storage/");
}

function reading(path: string): Call {
  return isBucket(path) ? { method: "GET", path: `${path}/iam` } : { method: "POST", path: `${path}:getIamPolicy` };
}

function writing(path: string, policy: Props): Call {
  return isBucket(path)
    ? { method: "PUT", path: `${path}/iam`, body: policy }
    : { method: "POST", path: `${path}:setIamPolicy`, body: { policy } };
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
