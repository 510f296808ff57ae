/** Google's client for Compute, as the tool and the program use it. */
import { compute_v1 } from "@googleapis/compute/build/v1";
import { ApiError } from "./api-error";
import { requestOptions, credentials, type Caller } from "./credentials";
import { UsageError } from "../errors";
import { oneLine } from "../../rules/text/text";

export interface ComputeOptions extends Caller {
  /** Base address up to and including `compute/v1/`; Google's own by default. */
  endpoint?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Calls made at most where one fails for a passing reason; by default five, and a used up quota is waited for. */
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

/** A page of an aggregated list: entries by zone or region. */
interface Page<S> {
  items?: Record<string, S> | null | undefined;
  nextPageToken?: string | null | undefined;
}

interface Scope {
  warning?: { code?: string | null | undefined } | null | undefined;
}

/**
 * All entries of an aggregated list, page by page.
 * @param page gets a page; its argument goes into the request
 * @param entries takes a zone's or region's entries out of its part of a page
 * @throws ApiError where a zone does not answer
 */
export async function listAggregated<S extends Scope, T>(
  page: (pageToken: { pageToken?: string }) => Promise<Page<S>>,
  entries: (scope: S) => T[] | null | undefined,
): Promise<T[]> {
  const found: T[] = [];
  let pageToken: string | null | undefined;
  do {
    const { items, nextPageToken } = await page(pageToken ? { pageToken } : {});
    for (const [name, scope] of Object.entries(items ?? {})) {
      // A zone that does not answer must not look like one whose resources are gone.
      if (scope.warning?.code === "UNREACHABLE") {
        throw new ApiError(`${oneLine(name, 100)} does not answer`, 503, undefined, true);
      }
      found.push(...(entries(scope) ?? []));
    }
    pageToken = nextPageToken;
  } while (pageToken);
  return found;
}

/** The client wants the server's root, everybody else (gcloud, the gcp provider) the address with `compute/v1/`. */
function rootOf(endpoint: string): string {
  const match = /^(https?:\/\/[^/]+)\/compute\/(v1|beta)\/?$/.exec(endpoint);
  if (match?.[1] === undefined) {
    throw new UsageError(
      `NIXOS_FLEET_COMPUTE_ENDPOINT is ${oneLine(endpoint, 100)}; it must look like https://HOST/compute/v1/`,
    );
  }
  return `${match[1]}/`;
}
