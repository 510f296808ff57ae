/** Google's client for Compute, as the operator's tool uses it. */
import { compute_v1 } from "@googleapis/compute/build/v1";
import { ApiError } from "./api-error";
import { requestOptions, credentials, type Caller } from "./credentials";
import { UsageError } from "../errors";
import { oneLine } from "../../rules/text/text";

export interface ComputeOptions extends Caller {
  /** Base address up to and including `compute/v1/`; Google's own by default. */
  endpoint?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds between two reads of one VM's guest attributes, for a server whose quota is not Google's. */
  guestAttributesInterval?: number | undefined;
  /** Maximum calls if one fails for a passing reason; by default five. A call waits while a quota is used up. */
  attempts?: number;
}

/** Milliseconds that one request may take. */
const requestTimeout = 30_000;

export function computeApi(options: ComputeOptions): compute_v1.Compute {
  const rootUrl = options.endpoint === undefined ? undefined : rootOf(options.endpoint);
  return new compute_v1.Compute({
    auth: credentials(options, ["compute"]),
    timeout: requestTimeout,
    ...requestOptions(rootUrl),
    ...(rootUrl === undefined ? {} : { rootUrl }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** A zone that does not answer now. */
export function unreachable(zone: string): ApiError {
  return new ApiError(`Compute returned nothing of ${oneLine(zone, 100)}`, 503, undefined, true);
}

/** The client wants the server's root. Others (gcloud, the gcp provider) want the address with `compute/v1/`. */
function rootOf(endpoint: string): string {
  const match = /^(https?:\/\/[^/]+)\/compute\/(v1|beta)\/?$/.exec(endpoint);
  if (match?.[1] === undefined) {
    throw new UsageError(
      `NIXOS_FLEET_COMPUTE_ENDPOINT is ${oneLine(endpoint, 100)}; it must look like https://HOST/compute/v1/`,
    );
  }
  return `${match[1]}/`;
}
