/** Resource Manager's view of a project: its number. */
import { ApiError } from "../errors";
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

export const services: Service = (store, { method, pathname }) => {
  const { name, service = "", verb } = PATH.exec(pathname)?.groups ?? {};
  if (name === undefined) return undefined;
  const enabled = store.state.services ?? [];
  if (method === "POST" && verb !== undefined) {
    const others = enabled.filter((other) => other !== service);
    store.state.services = verb === "enable" ? [...others, service] : others;
    store.changed();
    return { name: "operations/noop.DONE_OPERATION", done: true };
  }
  return method === "GET" && verb === undefined
    ? { name, config: { name: service }, state: enabled.includes(service) ? "ENABLED" : "DISABLED" }
    : undefined;
};
