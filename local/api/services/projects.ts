/** What several small APIs return about a project: Resource Manager, Cloud Billing, Service Usage, OS Login. */
import { createHash } from "node:crypto";
import { ApiError } from "../errors";
import { isObject } from "../../../rules/text/json";
import type { Store } from "../store";
import type { Service } from "./service";

const PROJECTS = /^\/cloudresourcemanager\/v(1|3)\/projects(?:\/(?<project>[^/:]+))?$/;
const BILLING = /^\/cloudbilling\/v1\/projects\/(?<project>[^/]+)\/billingInfo$/;

export const project: Service = (store, { method, pathname, query }) => {
  const { name, number, creationTimestamp } = store.state.project;
  if (method !== "GET") return undefined;
  const billed = BILLING.exec(pathname)?.groups;
  if (billed && [name, number].includes(billed["project"] ?? ""))
    return {
      name: `projects/${name}/billingInfo`,
      projectId: name,
      billingAccountName: "billingAccounts/000000-000000-000000",
      billingEnabled: true,
    };
  const asked = PROJECTS.exec(pathname)?.groups;
  if (!asked) return undefined;
  const own = {
    projectId: name,
    projectNumber: number,
    name,
    createTime: creationTimestamp,
    lifecycleState: "ACTIVE",
  };
  if (asked["project"] === undefined) {
    const [, wanted] = /^(?:projectI|i)d[:=]"?([^"\s]+?)"?$/.exec(query.get("filter") ?? "") ?? [];
    return { projects: wanted === undefined || wanted === name ? [own] : [] };
  }
  if ([name, number].includes(asked["project"])) return own;
  throw new ApiError(403, "forbidden", "The caller does not have permission");
};

const PATH =
  /^\/serviceusage\/v1\/(?<name>projects\/[^/]+\/services\/(?<service>[^/:]+))(?::(?<verb>enable|disable))?$/;

export const services: Service = (store, { method, pathname, body }) => {
  const enabled = store.state.services ?? [];
  const list = /^\/serviceusage\/v1\/projects\/[^/]+\/services(?<batch>:batchEnable)?$/.exec(pathname);
  if (list) {
    if (method === "GET")
      return { services: enabled.map((name) => shown(`projects/${store.project}/services/${name}`, name, enabled)) };
    if (method !== "POST" || list.groups?.["batch"] === undefined) return undefined;
    const asked = Array.isArray(body["serviceIds"]) ? body["serviceIds"].map(String) : [];
    return enable(store, [...new Set([...enabled, ...asked])]);
  }
  const { name, service = "", verb } = PATH.exec(pathname)?.groups ?? {};
  if (name === undefined) return undefined;
  if (method === "POST" && verb !== undefined) {
    const others = enabled.filter((other) => other !== service);
    return enable(store, verb === "enable" ? [...others, service] : others);
  }
  return method === "GET" && verb === undefined ? shown(name, service, enabled) : undefined;
};

function enable(store: Store, services: string[]): object {
  store.state.services = services;
  store.changed();
  return { name: "operations/noop.DONE_OPERATION", done: true };
}

function shown(name: string, service: string, enabled: readonly string[]): object {
  return { name, config: { name: service }, state: enabled.includes(service) ? "ENABLED" : "DISABLED" };
}

const LOGIN = /^\/oslogin\/v1\/users\/(?<user>[^/:]+)(?<part>\/loginProfile|:importSshPublicKey)$/;

/** OS Login's profile of a user, as `gcloud compute ssh` reads and fills it. The local cloud's machines do not know these keys. */
export const osLogin: Service = (store, { method, pathname, body }) => {
  const { user = "", part } = LOGIN.exec(pathname)?.groups ?? {};
  if (part === undefined || method !== (part === "/loginProfile" ? "GET" : "POST")) return undefined;
  const username = user
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "_")
    .slice(0, 32);
  const key = isObject(body) && typeof body["key"] === "string" ? body["key"] : undefined;
  const fingerprint = key === undefined ? undefined : createHash("sha256").update(key).digest("hex");
  const loginProfile = {
    name: user,
    posixAccounts: [
      {
        primary: true,
        username,
        uid: "2000",
        gid: "2000",
        homeDirectory: `/home/${username}`,
        operatingSystemType: "LINUX",
        accountId: store.project,
        name: `users/${user}/projects/${store.project}`,
      },
    ],
    sshPublicKeys:
      fingerprint === undefined
        ? {}
        : { [fingerprint]: { key, fingerprint, name: `users/${user}/sshPublicKeys/${fingerprint}` } },
  };
  return part === "/loginProfile" ? loginProfile : { loginProfile };
};
