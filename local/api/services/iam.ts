/** Service accounts, and the IAM policies of all resources that have one: the small part of these APIs that the program uses. */
import { ApiError } from "../errors";
import { fingerprintOf } from "../json";
import { isObject, objectsIn } from "../../../rules/text/json";
import type { Service } from "./service";
import type { Store } from "../store";
import type { RoleResource, ServiceAccountResource } from "../types";

type Body = Record<string, unknown>;

/** `/iam/v1/…` and the like. The first part is the host from which Google serves the API. */
const PATH = /^\/(?<service>iam|iap|cloudresourcemanager|secretmanager)\/v1\/(?<resource>[^:]+)(?::(?<verb>\w+))?$/;
const ACCOUNT = /^[a-z][-a-z0-9]{4,28}[a-z0-9]$/;

export const iam: Service = (store, { method, pathname, body }) => {
  const { service, resource: named = "", verb = "" } = PATH.exec(pathname)?.groups ?? {};
  if (service === undefined) return undefined;
  // A project may be named by its number, or by `-` for an account.
  const resource = named
    .replace(`projects/${store.state.project.number}`, `projects/${store.project}`)
    .replace("projects/-/serviceAccounts/", `projects/${store.project}/serviceAccounts/`);
  if (resource.split("/")[1] !== store.project && named !== "projects")
    throw new ApiError(403, "forbidden", `No access to ${resource}`);
  if (verb === "getIamPolicy") return policyOf(store, resource);
  if (verb === "setIamPolicy") return setPolicy(store, resource, body);
  // Anyone with a token may do everything here.
  if (verb === "testIamPermissions") return { permissions: body["permissions"] ?? [] };
  if (service !== "iam") return undefined;
  if (resource.split("/")[2] === "roles") return role(store, method, resource, verb, body);
  if (verb !== "") return undefined;
  if (method === "POST") return createAccount(store, body);
  const account = accountOf(store, resource);
  if (method === "DELETE") return deleteAccount(store, account);
  return method === "GET" ? account : undefined;
};

/** A policy; empty if it was never set. */
export function policyOf(store: Store, resource: string): Body {
  if (resource.includes("/serviceAccounts/")) accountOf(store, resource);
  const bindings = store.state.iam?.policies[resource] ?? [];
  // Conditions require a policy of version 3.
  return { version: bindings.some(({ condition }) => condition) ? 3 : 1, bindings, etag: fingerprintOf(bindings) };
}

export function setPolicy(store: Store, resource: string, body: Body): Body {
  const policy = isObject(body["policy"]) ? body["policy"] : {};
  // Without an etag, the policy is overwritten.
  if (policy["etag"] !== undefined && policy["etag"] !== policyOf(store, resource)["etag"])
    throw new ApiError(
      409,
      "aborted",
      "There were concurrent policy changes. Please retry the whole read-modify-write.",
    );
  const state = (store.state.iam ??= { accounts: {}, policies: {} });
  const others = omit(state.policies, resource);
  const bindings = objectsIn(policy["bindings"]).filter(({ members }) => Array.isArray(members) && members.length > 0);
  const unknown = state.unknownMembers?.find((one) =>
    bindings.some(({ members }) => (members as unknown[]).includes(one)),
  );
  if (unknown !== undefined) throw new ApiError(400, "badRequest", doesNotExist(unknown));
  state.policies = bindings.length === 0 ? others : { ...others, [resource]: bindings };
  store.changed();
  return policyOf(store, resource);
}

/** `user:eve@example.com` → IAM's words for it. */
function doesNotExist(member: string): string {
  const [kind = "", name = ""] = member.split(":");
  const what = kind === "serviceAccount" ? "Service account" : kind.charAt(0).toUpperCase() + kind.slice(1);
  return `${what} ${name} does not exist.`;
}

function createAccount(store: Store, body: Body): ServiceAccountResource {
  const id = String(body["accountId"]);
  if (!ACCOUNT.test(id))
    throw new ApiError(400, "invalid", `The account ID "${id}" does not have a length between 6 and 30.`);
  const email = `${id}@${store.project}.iam.gserviceaccount.com`;
  const state = (store.state.iam ??= { accounts: {}, policies: {} });
  if (email in state.accounts)
    throw new ApiError(409, "alreadyExists", `Service account ${id} already exists within project ${store.project}.`);
  const asked = isObject(body["serviceAccount"]) ? body["serviceAccount"] : {};
  const account = {
    displayName: "",
    ...asked,
    name: `projects/${store.project}/serviceAccounts/${email}`,
    email,
    projectId: store.project,
    uniqueId: store.newId(),
  };
  state.accounts = { ...state.accounts, [email]: account };
  store.changed();
  return account;
}

function accountOf(store: Store, resource: string): ServiceAccountResource {
  const email = resource.replace(/^.*\//, "");
  const account = store.state.iam?.accounts[email];
  if (!account) throw new ApiError(404, "notFound", `Unknown service account ${email}`);
  return account;
}

function deleteAccount(store: Store, { email, name }: ServiceAccountResource): Body {
  const { accounts, policies, ...rest } = store.state.iam ?? { accounts: {}, policies: {} };
  store.state.iam = { ...rest, accounts: omit(accounts, email), policies: omit(policies, name) };
  store.changed();
  return {};
}

function omit<T>(record: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

const ID = /^[A-Za-z0-9_.]{3,64}$/;

/** Days after its deletion in which a role can be undeleted, and those until its id is free again. */
const [UNDELETE_DAYS, RESERVED_DAYS] = [7, 37];

/** Answers a request about `projects/P/roles` or one of them. @throws ApiError */
function role(store: Store, method: string, resource: string, verb: string, body: Body): unknown {
  if (resource.split("/").length === 3) return method === "POST" ? create(store, resource, body) : undefined;
  const found = store.state.iam?.roles?.[resource];
  if (!found || daysDeleted(store, found) >= UNDELETE_DAYS)
    throw new ApiError(404, "notFound", `The role named ${resource} was not found.`);
  const { deletedAt: _, ...restored } = found;
  if (method === "GET") return shown(found);
  if (method === "POST" && verb === "undelete") return keep(store, restored);
  if (method === "PATCH") return keep(store, { ...found, ...fieldsOf(body) });
  return method === "DELETE" ? keep(store, { ...found, deletedAt: store.timestamp() }) : undefined;
}

function create(store: Store, parent: string, body: Body): unknown {
  const id = String(body["roleId"]);
  if (!ID.test(id)) throw new ApiError(400, "invalid", `The role ID "${id}" is not valid.`);
  const name = `${parent}/${id}`;
  const taken = store.state.iam?.roles?.[name];
  if (taken && taken.deletedAt === undefined)
    throw new ApiError(409, "alreadyExists", `A role named ${id} in ${parent} already exists.`);
  if (taken && daysDeleted(store, taken) < RESERVED_DAYS)
    throw new ApiError(
      400,
      "failedPrecondition",
      `You can't create a role_id (${id}) which has been marked for deletion.`,
    );
  return keep(store, { name, ...fieldsOf(isObject(body["role"]) ? body["role"] : {}) });
}

/** For how many days a role has been deleted; less than 0 if it is not. */
function daysDeleted(store: Store, { deletedAt }: RoleResource): number {
  return deletedAt === undefined ? -1 : (store.now().getTime() - Date.parse(deletedAt)) / 86_400_000;
}

function fieldsOf(body: Body): Omit<RoleResource, "name" | "deletedAt"> {
  const text = (key: string) => (typeof body[key] === "string" ? body[key] : "");
  const { includedPermissions } = body;
  return {
    title: text("title"),
    description: text("description"),
    stage: text("stage"),
    includedPermissions: Array.isArray(includedPermissions) ? includedPermissions.map(String) : [],
  };
}

function keep(store: Store, kept: RoleResource): unknown {
  const state = (store.state.iam ??= { accounts: {}, policies: {} });
  state.roles = { ...state.roles, [kept.name]: kept };
  store.changed();
  return shown(kept);
}

/** A role in IAM's form. */
function shown({ deletedAt, ...role }: RoleResource): unknown {
  return { ...role, deleted: deletedAt !== undefined };
}
