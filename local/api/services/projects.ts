/** Resource Manager's view of a project: its number. */
import type { Service } from "./service";

export const project: Service = (store, { method, pathname }) => {
  const { name, number, creationTimestamp } = store.state.project;
  if (method !== "GET" || pathname !== `/cloudresourcemanager/v1/projects/${name}`) return undefined;
  return {
    projectId: name,
    projectNumber: number,
    name,
    createTime: creationTimestamp,
    lifecycleState: "ACTIVE",
  };
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
