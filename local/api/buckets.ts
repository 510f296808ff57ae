/** Cloud Storage's JSON API, as far as it is about buckets; objects are in `objects.ts`. */
import { ApiError } from "./errors";
import type { Host } from "./hosts";
import { policyOf, setPolicy } from "./iam";
import { isRecord, textOf } from "./json";
import type { Store } from "./store";

type Body = Record<string, unknown>;

const PATH = /^\/storage\/v1\/b(?:\/(?<name>[^/]+)(?<iam>\/iam)?)?$/;
const NAME = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/;

export const buckets: Host = (store, { method, pathname, body }) => {
  const match = PATH.exec(pathname);
  if (!match) return undefined;
  const { name, iam } = match.groups ?? {};
  if (name === undefined) return method === "POST" ? create(store, body) : undefined;
  const bucket = bucketOf(store, name);
  if (iam !== undefined)
    return method === "PUT" ? setPolicy(store, `b/${name}`, { policy: body }) : policyOf(store, `b/${name}`);
  switch (method) {
    case "GET":
      return bucket;
    case "PATCH":
      return keep(store, name, { ...bucket, ...body, name, iamConfiguration: access(body, bucket) });
    case "DELETE":
      return remove(store, name);
    default:
      return undefined;
  }
};

/** @throws ApiError 404 */
export function bucketOf(store: Store, name: string): Body {
  const bucket = store.state.buckets?.[name];
  if (!bucket) throw new ApiError(404, "notFound", "The specified bucket does not exist.");
  return bucket;
}

function create(store: Store, body: Body): Body {
  const name = String(body["name"]);
  if (!NAME.test(name)) throw new ApiError(400, "invalid", `Invalid bucket name: '${name}'`);
  if (store.state.buckets?.[name])
    throw new ApiError(
      409,
      "conflict",
      "Your previous request to create the named bucket succeeded and you already own it.",
    );
  return keep(store, name, {
    kind: "storage#bucket",
    id: name,
    selfLink: `https://www.googleapis.com/storage/v1/b/${name}`,
    projectNumber: store.state.project.number,
    timeCreated: store.timestamp(),
    storageClass: "STANDARD",
    ...body,
    location: textOf(body["location"] ?? "US").toUpperCase(),
    iamConfiguration: access(body, {}),
  });
}

/** What a request says of access, above what was. */
function access(body: Body, before: Body): Body {
  const of = (from: Body) => (isRecord(from["iamConfiguration"]) ? from["iamConfiguration"] : {});
  const closed = { uniformBucketLevelAccess: { enabled: false }, publicAccessPrevention: "inherited" };
  return { ...closed, ...of(before), ...of(body) };
}

function keep(store: Store, name: string, bucket: Body): Body {
  store.state.buckets = { ...store.state.buckets, [name]: bucket };
  store.changed();
  return bucket;
}

function remove(store: Store, name: string): Body {
  if (Object.keys(store.state.objects ?? {}).some((path) => path.startsWith(`${name}/`)))
    throw new ApiError(409, "conflict", "The bucket you tried to delete is not empty.");
  const left = Object.entries(store.state.buckets ?? {}).filter(([key]) => key !== name);
  store.state.buckets = Object.fromEntries(left);
  const path = `b/${name}`;
  setPolicy(store, path, { policy: { ...policyOf(store, path), bindings: [] } });
  store.changed();
  return {};
}
