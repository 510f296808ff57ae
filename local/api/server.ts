import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { formatBatch, parseBatch, type Request } from "./batch";
import { readChaos, errorInjector, type Chaos, type InjectedError } from "./chaos";
import type { Cloud } from "./cloud";
import { ApiError, notFound, unauthenticated } from "./errors";
import { selectFields } from "./listing";
import { otherServices } from "./services";
import { parseObject } from "../../rules/text/json";
import { serveObjects } from "./services/storage";
import { route } from "./compute/routes";

/** Maximum bytes of a request. A batch may hold several instances, each with the maximum of metadata. */
const BODY_LIMIT = 8 * 1024 * 1024;

interface Answer {
  status: number;
  contentType: string;
  body: string;
}

/** The Compute API over HTTP. It does not listen yet. */
export function apiServer(cloud: Cloud): Server {
  let injected: () => InjectedError | undefined = () => undefined;
  const server = createServer((message, response) => {
    const answered =
      message.url === "/local/chaos"
        ? changeChaos(message, response, (chaos) => (injected = errorInjector(chaos)))
        : serve(cloud, message, response, injected());
    answered.catch(
      // The caller hung up, so there is no one to answer.
      () => response.destroy(),
    );
  });
  // Longer than clients keep idle connections. Otherwise a request on a connection that is about to close would be reset.
  server.keepAliveTimeout = 120_000;
  return server;
}

/** The local cloud's own switch: `PUT /local/chaos` with `{ percent, seed }`. */
async function changeChaos(
  message: IncomingMessage,
  response: ServerResponse,
  use: (chaos: Chaos) => void,
): Promise<void> {
  try {
    const chaos = readChaos(parseBody((await readBody(message)) ?? ""));
    use(chaos);
    send(response, json(chaos));
  } catch (error) {
    send(response, json(new ApiError(400, "invalid", error instanceof Error ? error.message : String(error))));
  }
}

async function serve(
  cloud: Cloud,
  message: IncomingMessage,
  response: ServerResponse,
  injected: InjectedError | undefined,
): Promise<void> {
  if (injected !== undefined) {
    const error = json(new ApiError(injected.status, reasonOf(injected), "Chaos that was asked for"));
    if (injected.applied) await receive(cloud, message);
    else await readBody(message);
    send(response, error);
    return;
  }
  try {
    // Objects may be too large for the way in which other requests are read.
    if (await serveObjects(cloud, message, response)) return;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    send(response, json(error));
    return;
  }
  send(response, await receive(cloud, message));
}

function reasonOf({ status }: InjectedError): string {
  return status === 429 ? "rateLimitExceeded" : "backendError";
}

async function receive(cloud: Cloud, message: IncomingMessage): Promise<Answer> {
  const text = await readBody(message);
  if (text === undefined) {
    const why = `Request payload size exceeds the limit: ${BODY_LIMIT} bytes.`;
    return json(new ApiError(413, "uploadTooLarge", why));
  }
  const { method = "GET", url = "/", headers } = message;
  const authorization = headers.authorization ?? "";
  if (!/^\/batch(\/|$)/.test(url)) {
    return answer(cloud, { method, url, authorization, body: text });
  }
  const parts = parseBatch(headers["content-type"] ?? "", text, authorization);
  if (parts === undefined) {
    return json(new ApiError(400, "badRequest", "Failed to parse batch request."));
  }
  const answers = await Promise.all(parts.map(async ({ id, request }) => ({ id, ...(await answer(cloud, request)) })));
  const boundary = `batch_${randomBytes(16).toString("hex")}`;
  return { status: 200, contentType: `multipart/mixed; boundary=${boundary}`, body: formatBatch(boundary, answers) };
}

async function answer(cloud: Cloud, request: Request): Promise<Answer> {
  try {
    return json(await handle(cloud, request));
  } catch (error) {
    if (error instanceof ApiError) {
      return json(error);
    }
    console.error(`${request.method} ${request.url}:`, error);
    return json(new ApiError(500, "backendError", "Internal error"));
  }
}

async function handle(cloud: Cloud, { method, url: text, authorization, body }: Request): Promise<unknown> {
  const url = new URL(text, "http://api");
  const [, project = "", path = ""] = /^\/compute\/(?:v1|beta)\/projects\/([^/]+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
  if (!/^Bearer \S+$/i.test(authorization)) {
    throw unauthenticated();
  }
  const request = {
    method,
    pathname: decodeURIComponent(url.pathname),
    query: url.searchParams,
    body: parseBody(body),
  };
  const elsewhere = otherServices(cloud.store, request);
  if (elsewhere !== undefined) {
    await cloud.store.saved();
    return elsewhere;
  }
  const match = project === "" ? undefined : route(method, path.replace(/\/$/, ""));
  if (match === undefined) {
    throw new ApiError(404, "notFound", `The local cloud does not serve ${method} ${url.pathname}`);
  }
  if (!match.anyProject && project !== cloud.store.project && project !== cloud.store.state.project.number) {
    throw notFound(`projects/${project}`);
  }
  const params = { ...match.params, owner: project };
  const result = await match.handler({ cloud, params, query: url.searchParams, body: parseBody(body) });
  if (method !== "GET") {
    // An answered write survives the end of the daemon, however the daemon ends.
    await cloud.store.saved();
  }
  const fields = url.searchParams.get("fields");
  return fields === null || fields === "" ? result : selectFields(result, fields);
}

function parseBody(text: string): Record<string, unknown> {
  if (text.trim() === "") {
    return {};
  }
  const body = parseObject(text);
  if (body === undefined) throw new ApiError(400, "parseError", "Parse Error");
  return body;
}

/** Undefined if it is too large. */
async function readBody(message: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function json(content: unknown): Answer {
  const status = content instanceof ApiError ? content.code : 200;
  return { status, contentType: "application/json; charset=UTF-8", body: JSON.stringify(content) };
}

function send(response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    // The rest of a body that is too large is not read.
    ...(status === 413 ? { connection: "close" } : {}),
  });
  response.end(body);
}
