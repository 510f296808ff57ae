/** The Compute API as the provider uses it: requests, Google's errors, and waiting for operations. */
import { setTimeout as sleep } from "node:timers/promises";
import { isObject, text, type Props } from "../core/value";

/** Milliseconds before an operation is read again. */
interface Pace {
  first: number;
  last: number;
}
/** The local cloud is fast. */
const QUICK: Pace = { first: 50, last: 1_000 };
/** The official provider's polling: it reports a change of Compute's after 10 s at the earliest. */
export const OFFICIAL: Pace = { first: 10_000, last: 10_000 };
/** Answers after which the official provider retries the request (isCommonRetryableErrorCode), and for how many milliseconds. */
const PASSING = [429, 500, 502, 503];
const PATIENCE = 60_000;
/** Connection errors after which it also retries. */
const RESET = /ECONNRESET|EPIPE|other side closed|socket hang up/;

/** One request; `path` is relative to the endpoint (`projects/…`). */
export interface Call {
  method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string>;
  body?: Props;
}

/** The text of an error answer, in the format of Google's own Go client. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    text: string,
  ) {
    super(`googleapi: Error ${code}: ${text}${reason === "" ? "" : `, ${reason}`}`);
  }
}

export class Api {
  /**
   * @param endpoint ends in a slash, e.g. `https://compute.googleapis.com/compute/v1/`
   * @param token bearer token
   * @param signal ends all running calls
   */
  constructor(
    readonly endpoint: string,
    readonly token: string,
    readonly signal: AbortSignal,
    private readonly pace: Pace = QUICK,
  ) {}

  /** A resource, or `undefined` if there is none. Rejects with `ApiError` on any other error. */
  async find(path: string, query?: Record<string, string>): Promise<Props | undefined> {
    try {
      return await this.send({ method: "GET", path, ...(query ? { query } : {}) });
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** Sends a change and waits until its operation is done. */
  async change(call: Call): Promise<void> {
    let operation = await this.send(call);
    const { first, last } = this.pace;
    for (let delay = first; text(operation, "status") !== "DONE"; delay = Math.min(delay * 1.5, last)) {
      await sleep(delay, undefined, { signal: this.signal });
      operation = await this.send({ method: "GET", path: operationPath(call.path, operation) });
    }
    const errors = isObject(operation["error"]) ? operation["error"]["errors"] : undefined;
    if (!Array.isArray(errors) || errors.length === 0) return;
    const said = errors
      .filter(isObject)
      .map((error) => `${text(error, "code") ?? ""}: ${text(error, "message") ?? ""}`);
    throw new Error(
      `Error waiting for ${text(operation, "operationType") ?? call.method} of ${call.path}: ${said.join("; ")}`,
    );
  }

  /** One request; rejects with `ApiError` if the answer is an error. */
  async send(call: Call): Promise<Props> {
    const said = await this.#answer(call);
    return said === "" ? {} : (JSON.parse(said) as Props);
  }

  /** The content of a Cloud Storage object, as text. Rejects with `ApiError` if there is none. */
  content(bucket: string, name: string): Promise<string> {
    const path = `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
    return this.#answer({ method: "GET", path, query: { alt: "media" } });
  }

  async #answer(call: Call): Promise<string> {
    const started = Date.now();
    for (let delay = 500; ; delay *= 2) {
      const response = await this.#fetch(call).catch((error: unknown) => error as Error);
      if (!(response instanceof Error) && response.ok) return response.text();
      const error = response instanceof Error ? response : await errorOf(response);
      const passes = error instanceof ApiError ? PASSING.includes(error.code) : RESET.test(error.message);
      if (!passes || Date.now() - started + delay > PATIENCE) throw error;
      await sleep(delay, undefined, { signal: this.signal });
    }
  }

  async #fetch({ method, path, query, body }: Call): Promise<Response> {
    const url = new URL(path, this.endpoint);
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value);
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    try {
      return await fetch(url, {
        method,
        headers,
        signal: this.signal,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    } catch (error) {
      this.signal.throwIfAborted();
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new Error(`the Compute API at ${this.endpoint} does not answer: ${String(cause)}`, { cause: error });
    }
  }
}

/** The path of an operation. The operation itself says whether it is zonal, regional or global. */
export function operationPath(path: string, operation: Props): string {
  const [, project = ""] = path.split("/");
  const place = ["zone", "region"].flatMap((kind) => {
    const link = text(operation, kind);
    return link === undefined ? [] : [`${kind}s/${link.replace(/^.*\//, "")}`];
  });
  return `projects/${project}/${place[0] ?? "global"}/operations/${text(operation, "name") ?? ""}`;
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = await response.text();
  try {
    const { error } = JSON.parse(body) as { error: { message: string; errors?: { reason: string }[] } };
    return new ApiError(response.status, error.errors?.[0]?.reason ?? "", error.message);
  } catch {
    return new ApiError(response.status, "", body.trim() || response.statusText);
  }
}
