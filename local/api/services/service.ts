/** What the APIs have in common that Google serves from other hosts than Compute's; here the host is the first part of the path. */
import type { Store } from "../store";

export interface Request {
  method: string;
  /** `/secretmanager/v1/projects/…` */
  pathname: string;
  query: URLSearchParams;
  /** The JSON body; empty where there was none. */
  body: Record<string, unknown>;
}

/** Answers a request with what becomes JSON, or with `undefined` where the request is for another service. @throws ApiError */
export type Service = (store: Store, request: Request) => unknown;
