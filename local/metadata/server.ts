import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Store } from "../api/store";
import type { Instance } from "../api/types";
import { guestAttributesEnabled, guestTree, WriteLimit, writeGuestAttribute } from "./guest-attributes";
import { find, render, type Rendering } from "./render";
import { metadataTree, type Node } from "./tree";
import { waitForChange } from "./watch";

const ROOT = "/computeMetadata/v1/";
const GUEST = `${ROOT}instance/guest-attributes/`;
const headers = {
  "metadata-flavor": "Google",
  server: "Metadata Server for VM",
  "x-xss-protection": "0",
  "x-frame-options": "SAMEORIGIN",
};

interface Answer {
  status: number;
  contentType: string;
  body: string;
  headers?: Record<string, string>;
}

/** Finds the instance that sent a request. */
export type Identify = (request: IncomingMessage) => Instance | undefined;

/** The metadata server, for connections from the cloud's network. The returned server does not listen yet. */
export function metadataServer(store: Store, identify: Identify = byAddress(store)): Server {
  const limit = new WriteLimit();
  return createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answer(store, limit, identify, request, response).then(
      (result) => send(response, result),
      (error: unknown) => {
        console.error(`metadata ${request.method ?? ""} ${request.url ?? ""}:`, error);
        send(response, page(500, "Internal Server Error", "The server encountered an error."));
      },
    );
  });
}

/** The source address identifies a VM, as on Google's network. */
export function byAddress(store: Store): Identify {
  return ({ socket }) => {
    const address = socket.remoteAddress?.replace(/^::ffff:/, "");
    return store.instances().find(({ networkInterfaces }) => networkInterfaces[0]?.networkIP === address);
  };
}

async function answer(
  store: Store,
  limit: WriteLimit,
  identify: Identify,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://metadata.google.internal");
  if (url.pathname === "/") {
    return text(200, "computeMetadata/\n");
  }
  if (request.headers["metadata-flavor"] !== "Google" || request.headers["x-forwarded-for"] !== undefined) {
    return page(
      403,
      "Forbidden",
      `Your client does not have permission to get URL <code>${escape(url.pathname)}</code> from this server. Missing Metadata-Flavor:Google header.`,
    );
  }
  const instance = identify(request);
  if (instance === undefined) {
    return missing(url);
  }
  if (url.pathname === "/computeMetadata/") {
    return text(200, "v1/\n");
  }
  if (url.pathname.startsWith(GUEST)) {
    const { metadata } = store.state.project;
    if (!guestAttributesEnabled(instance.metadata, metadata)) {
      return text(403, "Guest attributes endpoint access is disabled.");
    }
    if (request.method === "PUT" || request.method === "DELETE") {
      return write(store, limit, instance, url, request);
    }
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return page(
      405,
      "Method Not Allowed",
      `The request method <code>${request.method ?? ""}</code> is inappropriate for the URL.`,
    );
  }
  return read(store, instance.name, url, response);
}

async function read(store: Store, name: string, url: URL, response: ServerResponse): Promise<Answer> {
  const parts = url.pathname.startsWith(ROOT) ? url.pathname.slice(ROOT.length).split("/").map(decode) : [];
  const isDirectory = parts.at(-1) === "";
  const path = isDirectory ? parts.slice(0, -1) : parts;
  const node = parts.length === 0 ? undefined : nodeAt(store, name, path);
  if (node === undefined || (node.kind === "value" && isDirectory)) {
    return missing(url);
  }
  if (node.kind !== "value" && !isDirectory) {
    const headers = { location: `${url.pathname}/${url.search}` };
    return { status: 301, contentType: "text/html", body: `${url.pathname}/\n`, headers };
  }
  const first = render(node, url.searchParams);
  const seen = wants(url, "wait_for_change") ? await watch(store, name, path, url, first, response) : first;
  if (seen === undefined) {
    return missing(url);
  }
  return { status: 200, contentType: seen.contentType, body: seen.body, headers: { etag: seen.etag } };
}

/** The content after a change; undefined if the value is gone. */
function watch(
  store: Store,
  name: string,
  path: readonly string[],
  url: URL,
  first: Rendering,
  response: ServerResponse,
): Promise<Rendering | undefined> {
  const view = {
    inputs: () => [store.instance(name), store.state.project.metadata, store.state.guestAttributes[name]],
    read: () => {
      const node = nodeAt(store, name, path);
      const content = node === undefined ? undefined : render(node, url.searchParams);
      return { etag: content?.etag ?? "", content };
    },
  };
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const seconds = Number(url.searchParams.get("timeout_sec") ?? 0) || 0;
  const last = url.searchParams.get("last_etag") ?? first.etag;
  return waitForChange(store, view, last, seconds * 1000, gone.signal);
}

/** What an instance sees at a path at present. */
function nodeAt(store: Store, name: string, path: readonly string[]): Node | undefined {
  const instance = store.instance(name);
  if (instance === undefined) {
    return undefined;
  }
  const [first, second, ...rest] = path;
  if (first === "instance" && second === "guest-attributes") {
    // A namespace without writes is missing; the directory of all namespaces always exists.
    return find(guestTree(store, instance), rest);
  }
  return find(metadataTree(store, instance), path);
}

async function write(
  store: Store,
  limit: WriteLimit,
  { name }: Instance,
  url: URL,
  request: IncomingMessage,
): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
  }
  const instance = store.instance(name);
  if (instance === undefined) {
    return missing(url);
  }
  const path = url.pathname.slice(GUEST.length).split("/").map(decode);
  const value = request.method === "DELETE" ? undefined : Buffer.concat(chunks).toString();
  if (!limit.take(name, Date.now())) return text(200, "");
  const { status, message } = writeGuestAttribute(store, instance, path, value);
  await store.saved();
  return status === 404 ? missing(url) : text(status, message);
}

/** A part of a path. If it cannot be decoded, it names nothing. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function wants(url: URL, parameter: string): boolean {
  return url.searchParams.get(parameter)?.toLowerCase() === "true";
}

function text(status: number, body: string): Answer {
  return { status, contentType: "application/text", body };
}

function missing(url: URL): Answer {
  return page(
    404,
    "Not Found",
    `The requested URL <code>${escape(url.pathname)}</code> was not found on this server.  <ins>That’s all we know.</ins>`,
  );
}

/** An error page in the format of Google's. */
function page(status: number, title: string, message: string): Answer {
  const body = `<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <title>Error ${status} (${title})!!1</title>
  <p><b>${status}.</b> <ins>That’s an error.</ins>
  <p>${message}
`;
  return { status, contentType: "text/html; charset=UTF-8", body };
}

function escape(path: string): string {
  return path.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function send(response: ServerResponse, { status, contentType, body, headers: own }: Answer): void {
  response.writeHead(status, {
    ...headers,
    ...own,
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
