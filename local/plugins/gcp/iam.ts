/** Service accounts, and single members of IAM policies: each policy is read, changed and written back, guarded by its etag. */
import { isObject, text, type Props, type Value } from "../core/value";
import { ApiError, type Api } from "./api";
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
    fields: { member: {}, role: {}, ...fields },
    computed: ["id", "etag"],
    create: async (inputs, scope, { api }) => {
      const path = policy(inputs, scope);
      const { role, name } = binding(inputs);
      await change(api, path, (bindings) => [...without(bindings, role, name), { role, members: [name] }]);
      return { id: `${path}/${role}/${name}`, state: { ...inputs, ...scope, id: `${path}/${role}/${name}` } };
    },
    read: async (id, inputs, { api, settings }) => {
      const scope = { project: text(inputs, "project") ?? settings.project ?? "", zone: text(inputs, "zone") ?? "" };
      const { role, name } = binding(inputs);
      const bindings = bindingsOf(await api.find(`${policy(inputs, scope)}:getIamPolicy`));
      return holds(bindings, role, name) ? { ...inputs, id } : undefined;
    },
    update: (id, { inputs }) => Promise.resolve({ ...inputs, id }),
    delete: async (id, state, { api }) => {
      const { role, name } = binding(state);
      const path = id.slice(0, -`/${role}/${name}`.length);
      await gone(() => change(api, path, (bindings) => without(bindings, role, name)));
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
];

function binding(props: Props): { role: string; name: string } {
  return { role: text(props, "role") ?? "", name: text(props, "member") ?? "" };
}

async function change(api: Api, path: string, next: (bindings: Props[]) => Props[]): Promise<void> {
  await changing.run(path, async () => {
    for (let attempt = 1; ; attempt++) {
      const policy = await api.send({ method: "POST", path: `${path}:getIamPolicy` });
      const body = { policy: { ...policy, bindings: next(bindingsOf(policy)) } };
      try {
        await api.send({ method: "POST", path: `${path}:setIamPolicy`, body });
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 409 || attempt === ATTEMPTS) throw error;
      }
    }
  });
}

function bindingsOf(policy: Props | undefined): Props[] {
  const bindings = policy?.["bindings"];
  return Array.isArray(bindings) ? bindings.filter(isObject) : [];
}

function membersOf({ members }: Props): Value[] {
  return Array.isArray(members) ? members : [];
}

function holds(bindings: Props[], role: string, name: string): boolean {
  return bindings.some((one) => one["role"] === role && membersOf(one).includes(name));
}

function without(bindings: Props[], role: string, name: string): Props[] {
  return bindings.map((one) =>
    one["role"] === role ? { ...one, members: membersOf(one).filter((other) => other !== name) } : one,
  );
}
