import type { DiskContents } from "../../machines/data-disk";
import type { Network } from "../../machines/driver";
import { invalid, required } from "../errors";
import { pathOf } from "../paths";
import type { Store } from "../store";
import type { Resource } from "../types";

export type Body = Record<string, unknown>;

/** What a subnetwork needs from the machines' network. */
export type Gateways = Pick<Network, "addGateway" | "removeGateway">;

/** What changes outside of the API's own state when a resource is made or deleted. */
export interface Host {
  network: Gateways;
  contents: DiskContents;
}

/** A kind of resource that is made, read, changed and deleted in the common way. */
export interface Collection {
  /** The name in paths: `networks`. */
  name: string;
  scope: "global" | "regions" | "zones";
  /** The name in errors: `network`. */
  word: string;
  /** The resource that an insert makes, without the common fields. @throws ApiError */
  build: (store: Store, scope: string, body: Body, path: string) => Body;
  /** Links of the resources that must not be deleted while this one exists. */
  uses?: (resource: Resource) => string[];
  /** Fields that derive from other resources. */
  derive?: (store: Store, resource: Resource) => Body;
  /** The host's part when a resource is made (before it is visible) or changed, and when it is deleted. */
  made?: (host: Host, resource: Resource) => Promise<void>;
  gone?: (host: Host, resource: Resource, store: Store) => Promise<void>;
  /** Whether it can be changed by PATCH. */
  patch?: boolean;
  /** Whether it has a fingerprint of its content. Few of the changeable kinds do. */
  fingerprint?: boolean;
  /** Changes that have their own POST, by the last part of the path. Each returns the fields that differ after the change. */
  actions?: Record<string, (store: Store, resource: Resource, body: Body) => Body>;
}

/** The full link of a resource that another refers to. @throws ApiError 404 or 400 if it does not exist */
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
