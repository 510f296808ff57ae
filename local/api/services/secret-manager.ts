/** Secret Manager: secrets, their versions, and each version's content. */
import { ApiError } from "../errors";
import type { Service } from "./service";
import { isObject } from "../../../rules/text/json";
import { checkLabels } from "../compute/limits";
import type { Store } from "../store";
import type { SecretResource, SecretVersionResource } from "../types";

type Body = Record<string, unknown>;

const PATH =
  /^\/secretmanager\/v1\/projects\/(?<project>[^/]+)\/secrets(?:\/(?<id>[^/:]+)(?:\/versions\/(?<version>[^/:]+))?)?(?::(?<verb>\w+))?$/;
const ID = /^[A-Za-z0-9_-]{1,255}$/;

export const secrets: Service = (store, { method, pathname, query, body }) => {
  const { project, id, version, verb = "" } = PATH.exec(pathname)?.groups ?? {};
  if (project === undefined) return undefined;
  if (project !== store.project && project !== store.state.project.number)
    throw new ApiError(403, "forbidden", `No access to project ${project}`);
  if (id === undefined) return method === "POST" ? create(store, query.get("secretId") ?? "", body) : undefined;
  if (version === undefined) return ofSecret(store, id, method, verb, body);
  return ofVersion(store, id, version, method, verb);
};

function create(store: Store, id: string, body: Body): Body {
  if (!ID.test(id)) throw new ApiError(400, "invalid", `Invalid secret id "${id}".`);
  if (all(store)[id]) throw new ApiError(409, "alreadyExists", `Secret [${nameOf(store, id)}] already exists.`);
  const labels = checkLabels(body["labels"]);
  const createTime = store.timestamp();
  return keep(store, id, { createTime, replication: body["replication"] ?? {}, labels, versions: [] });
}

function ofSecret(store: Store, id: string, method: string, verb: string, body: Body): unknown {
  const secret = secretOf(store, id);
  if (method === "POST" && verb === "addVersion") return addVersion(store, id, secret, body);
  if (verb !== "") return undefined;
  if (method === "GET") return shown(store, id, secret);
  if (method === "PATCH") return keep(store, id, { ...secret, labels: checkLabels(body["labels"]) });
  if (method !== "DELETE") return undefined;
  store.state.secrets = Object.fromEntries(Object.entries(all(store)).filter(([other]) => other !== id));
  forgetPolicy(store, `projects/${store.project}/secrets/${id}`);
  store.changed();
  return {};
}

function addVersion(store: Store, id: string, secret: SecretResource, body: Body): Body {
  const data = isObject(body["payload"]) ? body["payload"]["data"] : undefined;
  if (typeof data !== "string" || data === "") throw new ApiError(400, "invalid", "The payload is empty.");
  const version: SecretVersionResource = { createTime: store.timestamp(), state: "ENABLED", data };
  const versions = [...secret.versions, version];
  keep(store, id, { ...secret, versions });
  return shownVersion(store, id, versions.length, version);
}

function ofVersion(store: Store, id: string, wanted: string, method: string, verb: string): unknown {
  const secret = secretOf(store, id);
  // `latest` is the newest version, whatever its state.
  const number = wanted === "latest" ? secret.versions.length : Number(wanted);
  const version = secret.versions[number - 1];
  if (!version)
    throw new ApiError(404, "notFound", `Secret Version [${nameOf(store, id)}/versions/${wanted}] not found.`);
  if (method === "GET" && verb === "") return shownVersion(store, id, number, version);
  if (method === "GET" && verb === "access") {
    if (version.state !== "ENABLED")
      throw new ApiError(400, "failedPrecondition", `Secret Version is in ${version.state} state.`);
    return { name: `${nameOf(store, id)}/versions/${number}`, payload: { data: version.data } };
  }
  if (method !== "POST" || !(verb in AFTER)) return undefined;
  if (verb !== "destroy" && version.state === "DESTROYED")
    throw new ApiError(400, "failedPrecondition", "Secret Version is in DESTROYED state.");
  const changed = { ...version, ...AFTER[verb as keyof typeof AFTER] };
  keep(store, id, { ...secret, versions: secret.versions.map((one) => (one === version ? changed : one)) });
  return shownVersion(store, id, number, changed);
}

/** The state of a version after each verb. */
const AFTER = {
  enable: { state: "ENABLED" },
  disable: { state: "DISABLED" },
  destroy: { state: "DESTROYED", data: "" },
} as const;

function all(store: Store): Record<string, SecretResource> {
  return store.state.secrets ?? {};
}

function secretOf(store: Store, id: string): SecretResource {
  const secret = all(store)[id];
  if (!secret) throw new ApiError(404, "notFound", `Secret [${nameOf(store, id)}] not found.`);
  return secret;
}

function keep(store: Store, id: string, secret: SecretResource): Body {
  store.state.secrets = { ...all(store), [id]: secret };
  store.changed();
  return shown(store, id, secret);
}

/** Secret Manager names projects by their number. */
function nameOf(store: Store, id: string): string {
  return `projects/${store.state.project.number}/secrets/${id}`;
}

function shown(store: Store, id: string, { createTime, replication, labels }: SecretResource): Body {
  return { name: nameOf(store, id), createTime, replication, labels };
}

function shownVersion(store: Store, id: string, number: number, version: SecretVersionResource): Body {
  const { createTime, state } = version;
  return { name: `${nameOf(store, id)}/versions/${number}`, createTime, state };
}

function forgetPolicy(store: Store, resource: string): void {
  const { iam } = store.state;
  if (iam) iam.policies = Object.fromEntries(Object.entries(iam.policies).filter(([name]) => name !== resource));
}
