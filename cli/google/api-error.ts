import * as z from "zod";
import { FleetError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import type { ErrorCode } from "../../rules/error-codes";
import { oneLine } from "../../rules/text/text";

/** The part of Google's error JSON that is used. */
const errorBody = z.object({
  error: z.object({
    message: z.string().optional(),
    errors: z.array(z.object({ reason: z.string().optional() })).optional(),
  }),
});

/** The part of the client library's error that is used. */
const thrownShape = z.object({
  message: z.string().default(""),
  status: z.number().optional(),
  code: z.union([z.string(), z.number()]).optional(),
  cause: z.unknown().optional(),
  response: z.object({ status: z.number().optional(), data: z.unknown(), headers: z.unknown() }).partial().optional(),
});

const passingStatus = new Set([408, 429, 500, 502, 503, 504]);
const passingReasons = new Set(["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "backendError"]);
const connectionErrors =
  /\b(ECONN(REFUSED|RESET|ABORTED)|E(HOST|NET)UNREACH|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|UND_ERR_\w+|socket hang up|premature close|timed? ?out)\b/i;

/** TLS errors, as codes and texts, if the other end is not trusted. */
const tlsErrors = /\b(CERT|SELF_SIGNED|UNABLE_TO_\w*|ERR_TLS\w*|ERR_SSL\w*|EPROTO)|certificate/i;
/** The answer of Google's token server if it no longer knows the credentials. */
const refusedCredentials = /\b(invalid_(grant|client|rapt|request)|unauthorized_client)\b/;
const credentialsStep =
  "; run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to the file of a key";

/** A request to the Compute API that failed. */
export class ApiError extends FleetError {
  override readonly name = "ApiError";

  constructor(
    message: string,
    /** HTTP status; undefined if no answer came. */
    readonly status: number | undefined,
    /** Google's reason, such as `conditionNotMet`. */
    readonly reason: string | undefined,
    /** The same call may succeed a little later. */
    readonly transient: boolean,
    /** Seconds that the server asked to wait. */
    readonly retryAfter = 0,
    /** Without a status: whether the other end was unreachable. Otherwise there were no credentials to ask with. */
    readonly isConnection = true,
  ) {
    super(codeOf(status, transient, isConnection), message);
  }

  /** Whether a quota is used up. Google renews it each minute. */
  get overQuota(): boolean {
    return this.transient && (this.status === 429 || this.status === 403);
  }

  /** Whether the caller lacks credentials or the right to ask. */
  get isRefusal(): boolean {
    return !this.transient && (this.status === 401 || this.status === 403);
  }

  /** Reads any error that the client library threw. */
  static from(thrown: unknown): ApiError {
    if (thrown instanceof ApiError) {
      return thrown;
    }
    const parsed = thrownShape.safeParse(
      typeof thrown === "object" && thrown !== null ? pick(thrown) : { message: String(thrown) },
    );
    const { message, status: ownStatus, code, cause, response } = parsed.data ?? { message: String(thrown) };
    const status = response?.status ?? ownStatus;
    const body = errorBody.safeParse(response?.data).data?.error;
    const reason = body?.errors?.[0]?.reason;
    if (status !== undefined) {
      const transient = mayPass(status) || (status === 403 && passingReasons.has(reason ?? ""));
      const text = oneLine(body?.message ?? message, 300);
      return new ApiError(
        `HTTP ${status}${text === "" ? "" : `: ${text}`}`,
        status,
        reason,
        transient,
        retryAfter(response?.headers),
      );
    }
    const trail = [code, message, ...causes(cause)].join(" ");
    const transient = connectionErrors.test(trail);
    const isConnection = transient || tlsErrors.test(trail);
    const text = isConnection ? connectionText(message === "" ? trail : message) : credentialsText(thrown);
    return new ApiError(text, undefined, undefined, transient, 0, isConnection);
  }
}

/** Whether a call that failed with this HTTP status may succeed a little later. */
export function mayPass(status: number): boolean {
  return passingStatus.has(status);
}

/** An error of this tool, which no server gave. */
export function isOurs(thrown: unknown): boolean {
  return thrown instanceof FleetError && !(thrown instanceof ApiError);
}

function codeOf(status: number | undefined, transient: boolean, isConnection: boolean): ErrorCode {
  if (status === undefined && !isConnection) return "NF203";
  if (status === undefined || transient) return "NF202";
  return status === 401 ? "NF203" : "NF204";
}

/** What a person can do about a failed request, as the end of its message; `endpoint` is where requests go instead of to Google. */
export function nextStep({ status, message, transient, isConnection }: ApiError, endpoint: string | undefined): string {
  if (status === undefined && !isConnection) return credentialsStep;
  if (status === undefined) {
    return endpoint === undefined
      ? "; check the network, then run fleet doctor"
      : "; NIXOS_FLEET_COMPUTE_ENDPOINT names that server: start it, or unset the variable";
  }
  if (transient) return "; try again in a minute";
  if (status === 401 || refusedCredentials.test(message)) return credentialsStep;
  return status === 403 || status === 404 ? "; fleet doctor checks project and rights" : "";
}

/** Shortens `request to https://HOST/long/address failed, reason: WHY` by the long address. */
function connectionText(message: string): string {
  const [, host, why] = /^request to https?:\/\/([^/\s]+).*reason: (.*)$/s.exec(message) ?? [];
  return oneLine(host === undefined ? message : `no answer from ${host}: ${why ?? ""}`, 300);
}

/** Why there are no credentials to ask with. */
function credentialsText(thrown: unknown): string {
  const message = messageOf(thrown);
  return /default credentials/.test(message)
    ? "there are no credentials for Google"
    : oneLine(`the credentials for Google cannot be used: ${message}`, 300);
}

/** The properties of an error are not enumerable own properties, so they are read by name. */
function pick(thrown: object): Record<string, unknown> {
  return Object.fromEntries(
    ["message", "status", "code", "cause", "response"].map((key) => [key, (thrown as Record<string, unknown>)[key]]),
  );
}

function causes(cause: unknown): string[] {
  if (!(cause instanceof Error)) {
    return [];
  }
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  return [code, cause.name, cause.message, ...causes(cause.cause)];
}

/** Seconds of a `Retry-After` header, at most a minute. */
function retryAfter(headers: unknown): number {
  // Of node-fetch's class, which is not Node's.
  const value = (headers as Partial<Headers> | null | undefined)?.get?.("retry-after") ?? "";
  return /^\d+$/.test(value) ? Math.min(60, Number(value)) : 0;
}
