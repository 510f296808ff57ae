/** Service Usage: which APIs a project has switched on. Here every API answers whether or not it is. */
import type { Host } from "./hosts";

const PATH =
  /^\/serviceusage\/v1\/(?<name>projects\/[^/]+\/services\/(?<service>[^/:]+))(?::(?<verb>enable|disable))?$/;

export const services: Host = (store, { method, pathname }) => {
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
