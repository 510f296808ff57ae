/** Resources of Logging and Monitoring: each is one JSON document that is made, read, changed and deleted. */
import { ApiError } from "../errors";
import type { Service } from "./service";
import type { Store } from "../store";

type Body = Record<string, unknown>;

/** `/logging/v2/…` and the like. The first part is the host from which Google serves the API. */
const PATH =
  /^\/(?:logging\/v2|monitoring\/v[13])\/projects\/(?<project>[^/]+)\/(?<collection>metrics|alertPolicies|notificationChannels|dashboards)(?:\/(?<id>.+))?$/;

export const documents: Service = (store, { method, pathname, body }) => {
  const { project, collection = "", id } = PATH.exec(pathname)?.groups ?? {};
  if (project === undefined) return undefined;
  if (project !== store.project) throw new ApiError(403, "forbidden", `No access to projects/${project}`);
  const parent = `projects/${project}/${collection}`;
  if (id === undefined) return method === "POST" ? create(store, parent, body) : undefined;
  const path = `${parent}/${id}`;
  const found = store.state.documents?.[path];
  if (!found) throw new ApiError(404, "notFound", `${path} could not be found`);
  switch (method) {
    case "GET":
      return found;
    case "PUT":
      return keep(store, path, { ...body, name: found["name"] });
    case "PATCH": {
      // A dashboard is written as a whole.
      const rest = collection === "dashboards" ? {} : found;
      return keep(store, path, { ...rest, ...body, name: found["name"] });
    }
    case "DELETE":
      return remove(store, path);
    default:
      return undefined;
  }
};

/** A metric has the name that its creator gives; everything else gets a number. */
function create(store: Store, parent: string, body: Body): Body {
  const own = parent.endsWith("/metrics") ? String(body["name"]) : undefined;
  const path = `${parent}/${own ?? store.newId()}`;
  if (store.state.documents?.[path]) throw new ApiError(409, "alreadyExists", `${path} already exists`);
  return keep(store, path, { ...body, name: own ?? path });
}

function keep(store: Store, path: string, document: Body): Body {
  const kept = path.includes("/dashboards/") ? { ...withoutZeros(document), etag: store.newId() } : document;
  store.state.documents = { ...store.state.documents, [path]: kept };
  store.changed();
  return kept;
}

/** A dashboard as Monitoring answers it: without 0, false, "" and empty lists. */
function withoutZeros(document: Body): Body {
  const rest = Object.entries(document)
    .filter(([, value]) => !(Array.isArray(value) ? value.length === 0 : !value))
    .map(([key, value]) => [key, Array.isArray(value) ? value.map(inner) : inner(value)]);
  return Object.fromEntries(rest) as Body;
}

const inner = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? withoutZeros(value as Body) : value;

function remove(store: Store, path: string): Body {
  const left = Object.entries(store.state.documents ?? {}).filter(([key]) => key !== path);
  store.state.documents = Object.fromEntries(left);
  store.changed();
  return {};
}
