/** Custom roles of a project. A deleted one keeps its id for a while: it can be had back, but not made again. */
import { ApiError } from "./errors";
import { isRecord } from "./json";
import type { Store } from "./store";
import type { RoleResource } from "./types";

type Body = Record<string, unknown>;

const ID = /^[A-Za-z0-9_.]{3,64}$/;

/** Answers a request about `projects/P/roles` or one of them. @throws ApiError */
export function role(store: Store, method: string, resource: string, verb: string, body: Body): unknown {
  if (resource.split("/").length === 3) return method === "POST" ? create(store, resource, body) : undefined;
  const found = store.state.iam?.roles?.[resource];
  if (!found) throw new ApiError(404, "notFound", `The role named ${resource} was not found.`);
  if (method === "GET") return found;
  if (method === "POST" && verb === "undelete") return keep(store, { ...found, deleted: false });
  if (method === "PATCH") return keep(store, { ...found, ...fieldsOf(body) });
  return method === "DELETE" ? keep(store, { ...found, deleted: true }) : undefined;
}

function create(store: Store, parent: string, body: Body): RoleResource {
  const id = String(body["roleId"]);
  if (!ID.test(id)) throw new ApiError(400, "invalid", `The role ID "${id}" is not valid.`);
  const name = `${parent}/${id}`;
  if (store.state.iam?.roles?.[name])
    throw new ApiError(409, "alreadyExists", `A role named ${id} in ${parent} already exists.`);
  return keep(store, { name, ...fieldsOf(isRecord(body["role"]) ? body["role"] : {}), deleted: false });
}

function fieldsOf(body: Body): Omit<RoleResource, "name" | "deleted"> {
  const text = (key: string) => (typeof body[key] === "string" ? body[key] : "");
  const { includedPermissions } = body;
  return {
    title: text("title"),
    description: text("description"),
    stage: text("stage"),
    includedPermissions: Array.isArray(includedPermissions) ? includedPermissions.map(String) : [],
  };
}

function keep(store: Store, kept: RoleResource): RoleResource {
  const state = (store.state.iam ??= { accounts: {}, policies: {} });
  state.roles = { ...state.roles, [kept.name]: kept };
  store.changed();
  return kept;
}
