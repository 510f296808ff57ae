import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Cloud } from "./cloud";
import { ApiError, notFound, unauthenticated } from "./errors";
import { selectFields } from "./fields";
import { isRecord } from "./json";
import { route } from "./routes";

/** Bytes that a request may have; twice what all metadata of an instance may, because JSON escapes. */
const BODY_LIMIT = 2 * 1024 * 1024;

/** The Compute API over HTTP. It does not listen yet. */
export function apiServer(cloud: Cloud): Server {
  return createServer((request, response) => {
    answer(cloud, request).then(
      (body) => send(response, 200, body),
      (error: unknown) => {
        if (!(error instanceof ApiError)) {
          console.error(`${request.method ?? ""} ${request.url ?? ""}:`, error);
        }
        const known = error instanceof ApiError ? error : new ApiError(500, "backendError", "Internal error");
        send(response, known.code, known);
      },
    );
  });
}

async function answer(cloud: Cloud, request: IncomingMessage): Promise<unknown> {
  const url = new URL(request.url ?? "", "http://api");
  const [, project = "", path = ""] = /^\/compute\/(?:v1|beta)\/projects\/([^/]+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
  if (!/^Bearer \S+$/i.test(request.headers.authorization ?? "")) {
    throw unauthenticated();
  }
  const method = request.method ?? "GET";
  const match = project === "" ? undefined : route(method, path.replace(/\/$/, ""));
  if (match === undefined) {
    throw new ApiError(404, "notFound", `The local cloud does not serve ${method} ${url.pathname}`);
  }
  if (!match.anyProject && project !== cloud.store.project && project !== cloud.store.state.project.number) {
    throw notFound(`projects/${project}`);
  }
  const params = { ...match.params, owner: project };
  const body = await match.handler({ cloud, params, query: url.searchParams, body: await readBody(request) });
  if (method !== "GET") {
    // A write that was answered survives the end of the daemon, whatever ends it.
    await cloud.store.saved();
  }
  const fields = url.searchParams.get("fields");
  return fields === null || fields === "" ? body : selectFields(body, fields);
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) {
      throw new ApiError(413, "uploadTooLarge", `Request payload size exceeds the limit: ${BODY_LIMIT} bytes.`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  if (text.trim() === "") {
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (isRecord(parsed)) {
      return parsed;
    }
  } catch {
    // Answered below, as any other body that is no object.
  }
  throw new ApiError(400, "parseError", "Parse Error");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json; charset=UTF-8",
    "content-length": Buffer.byteLength(text),
    ...(status === 413 ? { connection: "close" } : {}),
  });
  response.end(text);
}
