/**
 * As much of Cloud Storage as Pulumi's backend for `gs://` asks for, in memory: each request takes some time, as one to Google does. What is
 * asked for is counted.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

interface Stored {
  body: Buffer;
  type: string;
  at: string;
  generation: number;
}

interface Answer {
  status: number;
  body?: Buffer | object;
  headers?: Record<string, string>;
}

export class SimulatedBucket {
  requests = 0;
  /** Bytes that were uploaded. */
  written = 0;
  private generation = 0;
  private readonly objects = new Map<string, Stored>();
  private readonly server = createServer((request, response) => {
    void this.answer(request).then(({ status, body = {}, headers = {} }) => {
      const isObject = !Buffer.isBuffer(body);
      response.writeHead(status, { ...(isObject ? { "content-type": "application/json" } : {}), ...headers });
      response.end(isObject ? JSON.stringify(body) : body);
    });
  });

  /** @param latency milliseconds that each request takes at least */
  constructor(
    private readonly latency: number,
    private readonly bucket = "state",
  ) {}

  /** The environment in which `pulumi` keeps its state in here. */
  async start(): Promise<Record<string, string>> {
    await new Promise<void>((listening) => this.server.listen(0, "127.0.0.1", listening));
    const { port } = this.server.address() as AddressInfo;
    return { STORAGE_EMULATOR_HOST: `127.0.0.1:${port}`, PULUMI_BACKEND_URL: `gs://${this.bucket}` };
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    this.requests += 1;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    await sleep(this.latency);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    const body = Buffer.concat(parts);
    const { method = "GET", headers } = request;
    if (pathname.startsWith("/upload/")) return this.upload(body, headers["content-type"] ?? "", searchParams);
    const path = pathname.replace(/^\/storage\/v1/, "");
    if (path === `/b/${this.bucket}`) return { status: 200, body: { name: this.bucket } };
    if (path === `/b/${this.bucket}/o`) return this.list(searchParams);
    const [, from, to] =
      new RegExp(`^/b/${this.bucket}/o/([^/]+)(?:/rewriteTo/b/${this.bucket}/o/([^/]+))?$`).exec(path) ?? [];
    if (from === undefined) return this.media(decodeURIComponent(pathname.slice(`/${this.bucket}/`.length)));
    const name = decodeURIComponent(from);
    const found = this.objects.get(name);
    if (found === undefined) return notFound;
    if (method === "DELETE") {
      this.objects.delete(name);
      return { status: 204, body: Buffer.alloc(0) };
    }
    if (to === undefined)
      return searchParams.get("alt") === "media" ? this.media(name) : { status: 200, body: this.resource(name, found) };
    const copy = decodeURIComponent(to);
    return {
      status: 200,
      body: {
        kind: "storage#rewriteResponse",
        done: true,
        resource: this.resource(copy, this.put(copy, found.body, found.type)),
      },
    };
  }

  private put(name: string, body: Buffer, type: string): Stored {
    const stored = { body, type, at: new Date().toISOString(), generation: ++this.generation };
    this.objects.set(name, stored);
    return stored;
  }

  /** A multipart upload: what it is to be called, as JSON, then what it holds. */
  private upload(body: Buffer, type: string, query: URLSearchParams): Answer {
    const boundary = /boundary="?([^";]+)/.exec(type)?.[1];
    if (boundary === undefined) return { status: 501 };
    const [, first = "", second = ""] = body.toString("latin1").split(`--${boundary}`);
    const content = (part: string) => part.slice(part.indexOf("\r\n\r\n") + 4, part.lastIndexOf("\r\n"));
    const about = JSON.parse(content(first)) as { name?: string; contentType?: string };
    const name = about.name ?? query.get("name") ?? "";
    const stored = this.put(name, Buffer.from(content(second), "latin1"), about.contentType ?? "application/json");
    this.written += stored.body.length;
    return { status: 200, body: this.resource(name, stored) };
  }

  private media(name: string): Answer {
    const found = this.objects.get(name);
    if (found === undefined) return notFound;
    const headers = {
      "content-type": found.type,
      "last-modified": new Date(found.at).toUTCString(),
      "x-goog-generation": String(found.generation),
      "x-goog-metageneration": "1",
    };
    return { status: 200, body: found.body, headers };
  }

  private list(query: URLSearchParams): Answer {
    const [prefix, delimiter] = [query.get("prefix") ?? "", query.get("delimiter") ?? ""];
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    const folderOf = (name: string) => {
      const end = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
      return end < 0 ? undefined : name.slice(0, end + delimiter.length);
    };
    const items = names.flatMap((name) => {
      const stored = this.objects.get(name);
      return stored === undefined || folderOf(name) !== undefined ? [] : [this.resource(name, stored)];
    });
    const prefixes = [...new Set(names.flatMap((name) => folderOf(name) ?? []))];
    return { status: 200, body: { kind: "storage#objects", items, prefixes } };
  }

  private resource(name: string, { body, type, at, generation }: Stored): object {
    return {
      kind: "storage#object",
      bucket: this.bucket,
      name,
      contentType: type,
      size: String(body.length),
      generation: String(generation),
      metageneration: "1",
      timeCreated: at,
      updated: at,
      etag: String(generation),
    };
  }
}

const notFound: Answer = { status: 404, body: { error: { code: 404, message: "Not Found" } } };
