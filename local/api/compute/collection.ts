import type { DiskContents } from "../../machines/data-disk";
import type { Network } from "../../machines/driver";
import { invalid, required } from "../errors";
import { pathOf } from "../paths";
import type { Store } from "../store";
import type { Resource } from "../types";

export type Body = Record<string, unknown>;

/** What a subnetwork asks of the machines' network. */
export type Gateways = Pick<Network, "addGateway" | "removeGateway">;

/** What is changed outside of the API's own state when a resource is made or deleted. */
export interface Host {
  network: Gateways;
  contents: DiskContents;
}

/** A kind of resource that is made, read, changed and deleted in the same way as the others. */
export interface Collection {
  /** As in paths: `networks`. */
  name: string;
  scope: "global" | "regions" | "zones";
  /** In words, as errors have it: `network`. */
  word: string;
  /** The resource that an insert makes, without the common fields. @throws ApiError */
  build: (store: Store, scope: string, body: Body, path: string) => Body;
  /** Links of the resources that must not go while this one is there. */
  uses?: (resource: Resource) => string[];
  /** Fields that follow from other resources. */
  derive?: (store: Store, resource: Resource) => Body;
  /** What has to happen on the host when one is made (before it can be seen) or changed, and when one is gone. */
  made?: (host: Host, resource: Resource) => Promise<void>;
  gone?: (host: Host, resource: Resource, store: Store) => Promise<void>;
  /** Whether it can be changed by PATCH. */
  patch?: boolean;
  /** Whether it has a fingerprint of its content; of what can be changed, few kinds do. */
  fingerprint?: boolean;
  /** Changes with a POST of their own, by the last part of the path: the fields that are different afterwards. */
  actions?: Record<string, (store: Store, resource: Resource, body: Body) => Body>;
}

/** The full link of a resource that another refers to. @throws ApiError 404 or 400 where it is not there */
export function referenced(store: Store, link: unknown, field: string, collection: string): string {
  if (typeof link !== "string" || link === "") {
    throw required(field);
  }
  const path = pathOf(store.project, link);
  const stored = store.state.resources[path];
  if (stored === undefined || stored.pending !== undefined || path.split("/").at(-2) !== collection) {
    throw invalid(field, link, `The referenced ${collection.replace(/s$/, "")} resource cannot be found.`);
  }
  return stored.resource.selfLink;
}
