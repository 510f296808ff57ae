import type { Network } from "../machines/driver";
import { parseRange, gatewayOf, overlaps } from "./ip";
import { planDisk } from "./disk";
import { ApiError, invalid, required, staleFingerprint } from "./errors";
import { fingerprintOf } from "./fingerprint";
import { recordsIn, textOf } from "./json";
import { checkLabels } from "./limits";
import { parseLink, pathOf } from "./paths";
import type { Store } from "./store";
import type { Instance, Resource } from "./types";

type Body = Record<string, unknown>;

/** What a subnetwork asks of the machines' network. */
export type Gateways = Pick<Network, "addGateway" | "removeGateway">;

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
  /** What has to happen in the machines' network when one is made, before it can be seen, and when one is gone. */
  made?: (network: Gateways, resource: Resource) => Promise<void>;
  gone?: (network: Gateways, resource: Resource) => Promise<void>;
  /** Whether it can be changed by PATCH. */
  patch?: boolean;
}

const networks: Collection = {
  name: "networks",
  scope: "global",
  word: "network",
  patch: true,
  build: (_store, _scope, body) => ({
    autoCreateSubnetworks: body["autoCreateSubnetworks"] === true,
    routingConfig: { routingMode: "REGIONAL", bgpBestPathSelectionMode: "LEGACY" },
    networkFirewallPolicyEnforcementOrder: "AFTER_CLASSIC_FIREWALL",
    mtu: 1460,
    ...body,
  }),
  derive: (store, { selfLink }) => {
    const own = store.list("subnetworks").filter(({ resource }) => resource["network"] === selfLink);
    return own.length === 0 ? {} : { subnetworks: own.map(({ resource }) => resource.selfLink) };
  },
};

const subnetworks: Collection = {
  name: "subnetworks",
  scope: "regions",
  word: "subnetwork",
  patch: true,
  uses: ({ network }) => [String(network)],
  made: (network, { ipCidrRange }) => network.addGateway(...gateway(ipCidrRange)),
  gone: (network, { ipCidrRange }) => network.removeGateway(...gateway(ipCidrRange)),
  build: (store, scope, body) => {
    const cidr = textOf(body["ipCidrRange"] ?? "");
    const range = parseRange(cidr);
    if (range === undefined || range.prefixLength < 8 || range.prefixLength > 29) {
      throw invalid("resource.ipCidrRange", cidr, "Must be an IPv4 range in CIDR form, from /8 to /29.");
    }
    // One space of addresses for all networks: the machines of a local cloud hang on one bridge.
    for (const other of store.all("subnetworks")) {
      const taken = parseRange(String(other["ipCidrRange"]));
      if (taken !== undefined && overlaps(range, taken)) {
        const where = `'${other.name}' in region '${String(other["region"]).replace(/.*\//, "")}'`;
        throw new ApiError(400, "invalid", `Invalid IPCidrRange: ${cidr} conflicts with existing subnetwork ${where}.`);
      }
    }
    return {
      privateIpGoogleAccess: false,
      privateIpv6GoogleAccess: "DISABLE_GOOGLE_ACCESS",
      purpose: "PRIVATE",
      stackType: "IPV4_ONLY",
      allowSubnetCidrRoutesOverlap: false,
      ...body,
      network: referenced(store, body["network"], "resource.network", "networks"),
      region: store.link(scope),
      gatewayAddress: gatewayOf(range),
    };
  },
};

const firewalls: Collection = {
  name: "firewalls",
  scope: "global",
  word: "firewall",
  patch: true,
  uses: ({ network }) => [String(network)],
  build: (store, _scope, body) => ({
    direction: "INGRESS",
    priority: 1000,
    disabled: false,
    logConfig: { enable: false },
    ...body,
    network: referenced(store, body["network"], "resource.network", "networks"),
  }),
};

const routers: Collection = {
  name: "routers",
  scope: "regions",
  word: "router",
  patch: true,
  uses: (router) => [String(router["network"]), ...natSubnetworks(router)],
  build: (store, scope, body) => ({
    encryptedInterconnectRouter: false,
    ...body,
    network: referenced(store, body["network"], "resource.network", "networks"),
    region: store.link(scope),
  }),
};

const addresses: Collection = {
  name: "addresses",
  scope: "regions",
  word: "address",
  build: (store, scope, body) => ({
    addressType: "EXTERNAL",
    networkTier: "PREMIUM",
    // A range for documentation: nothing outside leads to a local cloud.
    address: `203.0.113.${1 + (store.all("addresses").length % 254)}`,
    status: "RESERVED",
    purpose: "",
    ...body,
    ...labelled(body),
    region: store.link(scope),
  }),
};

const resourcePolicies: Collection = {
  name: "resourcePolicies",
  scope: "regions",
  word: "resourcePolicy",
  patch: true,
  build: (store, scope, body) => ({ ...body, region: store.link(scope), status: "READY" }),
};

const disks: Collection = {
  name: "disks",
  scope: "zones",
  word: "disk",
  uses: ({ resourcePolicies: policies }) => (Array.isArray(policies) ? policies.map(String) : []),
  build: (store, scope, body, path) => ({
    ...body,
    ...planDisk(store, scope.slice("zones/".length), path, body, "resource"),
  }),
  derive: (store, { selfLink }) => {
    const users = (store.all("instances") as Instance[]).filter((instance) =>
      instance.disks.some(({ source }) => source === selfLink),
    );
    return users.length === 0 ? {} : { users: users.map((user) => user.selfLink) };
  },
};

/** Instances are made and deleted in a way of their own; they are read and used like all others. */
const instances: Collection = {
  name: "instances",
  scope: "zones",
  word: "instance",
  build: () => ({}),
  uses: (resource) => {
    const { disks: attached, networkInterfaces, resourcePolicies: policies } = resource as Instance;
    return [
      ...attached.map(({ source }) => source),
      ...networkInterfaces.flatMap(({ network, subnetwork }) => [network, subnetwork]),
      ...(Array.isArray(policies) ? policies.map(String) : []),
    ];
  },
};

export const collections: readonly Collection[] = [
  networks,
  subnetworks,
  firewalls,
  routers,
  addresses,
  resourcePolicies,
  disks,
  instances,
];

/** The resource that keeps this one from being deleted. */
export function userOf(store: Store, path: string): Resource | undefined {
  for (const { name, uses } of collections) {
    const user = store.all(name).find((other) => uses?.(other).some((link) => parseLink(link)?.path === path));
    if (user !== undefined) {
      return user;
    }
  }
  return undefined;
}

/** The fields that a PATCH changes. @throws ApiError 412 where a fingerprint is given and stale */
export function patched(store: Store, collection: Collection, before: Resource, body: Body): Body {
  if (body["fingerprint"] !== undefined && body["fingerprint"] !== before["fingerprint"]) {
    throw staleFingerprint();
  }
  const fixed = ["network", "ipCidrRange", "region", "gatewayAddress"].filter((key) => key in before);
  const kept = Object.fromEntries([...fixed, ...Object.keys(common)].map((key) => [key, before[key]]));
  const next = { ...body, ...kept };
  for (const link of collection.name === "routers" ? natSubnetworks(next) : []) {
    referenced(store, link, "resource.nats[0].subnetworks[0].name", "subnetworks");
  }
  return next;
}

const common = { kind: 0, id: 0, name: 0, creationTimestamp: 0, selfLink: 0 };

/** The full link of a resource that another refers to. @throws ApiError 404 or 400 where it is not there */
function referenced(store: Store, link: unknown, field: string, collection: string): string {
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

/** Address and mask of a subnetwork's gateway. */
export function gateway(ipCidrRange: unknown): [address: string, prefixLength: number] {
  const range = parseRange(String(ipCidrRange));
  if (range === undefined) {
    throw new Error(`${String(ipCidrRange)} is no range`);
  }
  return [gatewayOf(range), range.prefixLength];
}

function natSubnetworks(router: Body): string[] {
  return recordsIn(router["nats"])
    .flatMap(({ subnetworks: list }) => recordsIn(list))
    .map(({ name }) => textOf(name));
}

function labelled(body: Body): Body {
  const labels = checkLabels(body["labels"]);
  return { labels, labelFingerprint: fingerprintOf(labels) };
}
