/** What the APIs that Google serves from other hosts than Compute's have in common. Here the host is the first part of the path. */
import type { Store } from "../store";

export interface Request {
  method: string;
  /** `/secretmanager/v1/projects/…` */
  pathname: string;
  query: URLSearchParams;
  /** The JSON body; empty if there was none. */
  body: Record<string, unknown>;
}

/** Answers a request with a value that becomes JSON, or `undefined` if the request is for another service. @throws ApiError */
export type Service = (store: Store, request: Request) => unknown;
