/** Cloud Storage's JSON API: buckets and their objects. */
import { ApiError, unauthenticated } from "../errors";
import type { Service } from "./service";
import { policyOf, setPolicy } from "./iam";
import { textOf } from "../json";
import { isObject } from "../../../rules/text/json";
import type { Store } from "../store";
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat, truncate } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Cloud } from "../cloud";
import type { StoredObject } from "../types";

type Body = Record<string, unknown>;

const PATH = /^\/storage\/v1\/b(?:\/(?<name>[^/]+)(?:(?<iam>\/iam)|(?<caches>\/anywhereCaches\/?))?)?$/;
const NAME = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/;

export const buckets: Service = (store, { method, pathname, body }) => {
  const match = PATH.exec(pathname);
  if (!match) return undefined;
  const { name, iam, caches } = match.groups ?? {};
  if (name === undefined) return method === "POST" ? create(store, body) : undefined;
  const bucket = bucketOf(store, name);
  if (caches !== undefined) return method === "GET" ? { kind: "storage#anywhereCaches", items: [] } : undefined;
  if (iam !== undefined)
    return method === "PUT" ? setPolicy(store, `b/${name}`, { policy: body }) : policyOf(store, `b/${name}`);
  switch (method) {
    case "GET":
      return bucket;
    case "PATCH":
      return keepBucket(store, name, { ...bucket, ...body, name, iamConfiguration: access(body, bucket) });
    case "DELETE":
      return remove(store, name);
    default:
      return undefined;
  }
};

/** @throws ApiError 404 */
function bucketOf(store: Store, name: string): Body {
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
  return keepBucket(store, name, {
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

/** What a request sets for access, merged over the earlier values. */
function access(body: Body, before: Body): Body {
  const of = (from: Body) => (isObject(from["iamConfiguration"]) ? from["iamConfiguration"] : {});
  const closed = { uniformBucketLevelAccess: { enabled: false }, publicAccessPrevention: "inherited" };
  return { ...closed, ...of(before), ...of(body) };
}

function keepBucket(store: Store, name: string, bucket: Body): Body {
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

/** The future object of each upload that comes in parts, by the upload's id. */
const sessions = new Map<string, { bucket: string; name: string; contentType: string }>();

const UPLOAD = /^\/upload\/storage\/v1\/b\/(?<bucket>[^/]+)\/o$/;
const JSON_API = /^\/(?:download\/)?storage\/v1\/b\/(?<bucket>[^/]+)\/o(?:\/(?<object>[^/]+))?$/;
/** The other API of Cloud Storage, for plain downloads. */
const XML_API = /^\/(?<bucket>[a-z0-9][a-z0-9._-]{1,61}[a-z0-9])\/(?<object>.+)$/;

/** Answers a request about objects. @returns whether it was one. @throws ApiError */
export async function serveObjects(cloud: Cloud, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const { method = "GET", url: text = "/" } = request;
  const url = new URL(text, "http://api");
  const upload = UPLOAD.exec(url.pathname)?.groups;
  const named = JSON_API.exec(url.pathname)?.groups ?? (method === "GET" ? plain(cloud, url.pathname) : undefined);
  if (!upload && !named) return false;
  if (!/^Bearer \S+$/i.test(request.headers.authorization ?? "")) throw unauthenticated();
  const bucket = (upload ?? named)?.["bucket"] ?? "";
  bucketOf(cloud.store, bucket);
  if (upload) {
    await receive(cloud, bucket, url, request, response);
    return true;
  }
  const object = named?.["object"];
  if (object === undefined) json(response, list(cloud, bucket, url.searchParams));
  else {
    const media = named?.["xml"] !== undefined || url.searchParams.get("alt") === "media";
    await one(cloud, `${bucket}/${decodeURIComponent(object)}`, media, request, response);
  }
  return true;
}

/** Only if there is such a bucket: any other path belongs to another handler. */
function plain({ store }: Cloud, pathname: string): Record<string, string> | undefined {
  const groups = XML_API.exec(pathname)?.groups;
  return groups && store.state.buckets?.[groups["bucket"] ?? ""] ? { ...groups, xml: "true" } : undefined;
}

async function one(
  cloud: Cloud,
  key: string,
  media: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const object = cloud.store.state.objects?.[key];
  if (!object) throw new ApiError(404, "notFound", `No such object: ${key}`);
  if (request.method === "DELETE") {
    const left = Object.entries(cloud.store.state.objects ?? {}).filter(([other]) => other !== key);
    cloud.store.state.objects = Object.fromEntries(left);
    await rm(fileOf(cloud, key), { force: true });
    await cloud.store.saved();
    response.writeHead(204).end();
  } else if (media) {
    response.writeHead(200, { "content-type": object.contentType, "content-length": object.size });
    await pipeline(createReadStream(fileOf(cloud, key)), response);
  } else {
    json(response, object);
  }
}

function list({ store }: Cloud, bucket: string, query: URLSearchParams): object {
  const all = Object.values(store.state.objects ?? {}).filter((object) => object.bucket === bucket);
  const found = all.filter(({ name }) => name.startsWith(query.get("prefix") ?? ""));
  const from = Number(query.get("pageToken") ?? 0);
  const to = from + Number(query.get("maxResults") ?? 1000);
  const items = found.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(from, to);
  return { kind: "storage#objects", items, ...(to < found.length ? { nextPageToken: String(to) } : {}) };
}

async function receive(
  cloud: Cloud,
  bucket: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { searchParams } = url;
  const id = searchParams.get("upload_id");
  if (id !== null) return resume(cloud, id, request, response);
  const name = searchParams.get("name") ?? "";
  const contentType = request.headers["content-type"] ?? "application/octet-stream";
  if (searchParams.get("uploadType") === "resumable") {
    request.resume();
    const session = randomUUID();
    sessions.set(session, {
      bucket,
      name,
      contentType: String(request.headers["x-upload-content-type"] ?? contentType),
    });
    searchParams.set("upload_id", session);
    const location = `http://${request.headers.host ?? ""}${url.pathname}${url.search}`;
    response.writeHead(200, { location, "content-length": 0 }).end();
    return;
  }
  const file = path.join(cloud.objects, randomUUID());
  await mkdir(cloud.objects, { recursive: true });
  await pipeline(request, createWriteStream(file));
  json(response, await keepObject(cloud, { bucket, name, contentType }, file));
}

/** Handles a part of an upload, or the query how many bytes have arrived. */
async function resume(cloud: Cloud, id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = sessions.get(id);
  if (!session) throw new ApiError(410, "gone", "The upload session is over.");
  const file = path.join(cloud.objects, id);
  await mkdir(cloud.objects, { recursive: true });
  const [, first = "0", , total] =
    /^bytes (\*|\d+)(-[\d*]+)?\/(\*|\d+)$/.exec(request.headers["content-range"] ?? "") ?? [];
  if (first !== "*" && first !== "0") await truncate(file, Number(first));
  // An empty object has no parts.
  await pipeline(request, createWriteStream(file, { flags: first === "0" ? "w" : "a" }));
  const come = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  if (total !== undefined && total !== "*" && come < Number(total)) {
    response.writeHead(308, come === 0 ? {} : { range: `bytes=0-${come - 1}` }).end();
    return;
  }
  sessions.delete(id);
  json(response, await keepObject(cloud, session, file));
}

async function keepObject(
  cloud: Cloud,
  { bucket, name, contentType }: { bucket: string; name: string; contentType: string },
  file: string,
): Promise<StoredObject> {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const { store } = cloud;
  const object: StoredObject = {
    kind: "storage#object",
    bucket,
    name,
    size: String((await stat(file)).size),
    md5Hash: hash.digest("base64"),
    contentType,
    updated: store.timestamp(),
    generation: store.newId(),
  };
  await rename(file, fileOf(cloud, `${bucket}/${name}`));
  store.state.objects = { ...store.state.objects, [`${bucket}/${name}`]: object };
  await store.saved();
  return object;
}

function fileOf({ objects }: Cloud, key: string): string {
  return path.join(objects, encodeURIComponent(key));
}

function json(response: ServerResponse, content: object): void {
  response.writeHead(200, { "content-type": "application/json; charset=UTF-8" }).end(JSON.stringify(content));
}
