/** The APIs that Google serves from other hosts than Compute's; here the host is the first part of the path. */
import { buckets } from "./buckets";
import { documents } from "./documents";
import { iam } from "./iam";
import { logging } from "./logging";
import { project } from "./project-api";
import { secrets } from "./secrets";
import { services } from "./services";
import type { Store } from "./store";

export interface Request {
  method: string;
  /** `/secretmanager/v1/projects/…` */
  pathname: string;
  query: URLSearchParams;
  /** The JSON body; empty where there was none. */
  body: Record<string, unknown>;
}

/** Answers a request with what becomes JSON, or with `undefined` where it is none of its own. @throws ApiError */
export type Host = (store: Store, request: Request) => unknown;

const HOSTS: readonly Host[] = [iam, logging, documents, buckets, secrets, services, project];

/** The first answer; `undefined` where it is a request to Compute. */
export function otherHosts(store: Store, request: Request): unknown {
  for (const host of HOSTS) {
    const answer = host(store, request);
    if (answer !== undefined) {
      return answer;
    }
  }
  return undefined;
}
