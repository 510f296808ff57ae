/** All services beside Compute. */
import type { Store } from "../store";
import { iam } from "./iam";
import { logging } from "./logging";
import { documents } from "./monitoring";
import { osLogin, project, services } from "./projects";
import { secrets } from "./secret-manager";
import type { Request, Service } from "./service";
import { buckets } from "./storage";

const SERVICES: readonly Service[] = [iam, logging, documents, buckets, secrets, services, project, osLogin];

/** The answer of the first service that gives one; `undefined` if the request is for Compute. */
export function otherServices(store: Store, request: Request): unknown {
  for (const service of SERVICES) {
    const answer = service(store, request);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
