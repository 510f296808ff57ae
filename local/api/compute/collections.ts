import { type Body, type Collection, referenced } from "./collection";
import { planDisk } from "./disks";
import { invalid, staleFingerprint } from "../errors";
import { fingerprintOf, textOf } from "../json";
import { objectsIn } from "../../../rules/text/json";
import { images } from "./images";
import { checkLabels } from "./limits";
import { parseLink } from "../paths";
import { addResourcePolicies, removeResourcePolicies } from "./disks";
import type { Store } from "../store";
import { subnetworks } from "./network";
import { snapshots } from "./snapshots";
import type { Instance, Resource } from "../types";

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
    // A range reserved for documentation: no traffic from outside reaches a local cloud.
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
  actions: {
    addResourcePolicies,
    removeResourcePolicies,
    resize: (_store, { sizeGb }, body) => {
      const wanted = Number(body["sizeGb"]);
      if (!Number.isInteger(wanted) || wanted <= Number(sizeGb) || wanted > 65_536) {
        throw invalid(
          "sizeGb",
          textOf(body["sizeGb"]),
          `New disk size must be larger than the present one, ${String(sizeGb)} GB.`,
        );
      }
      return { sizeGb: String(wanted) };
    },
  },
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
  // This also runs for a change. The content of the disk then stays.
  made: ({ contents }, { selfLink, sourceSnapshot }) => {
    const [disk, snapshot] = [parseLink(selfLink)?.path, parseLink(textOf(sourceSnapshot))?.path];
    return disk === undefined || snapshot === undefined ? Promise.resolve() : contents.copy(snapshot, disk);
  },
  gone: ({ contents }, { selfLink }) => contents.remove(parseLink(selfLink)?.path ?? ""),
};

/** Instances have their own way of being made and deleted; they are read and used like all others. */
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
  snapshots,
  images,
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

/** The fields that a PATCH changes. @throws ApiError 412 if a given fingerprint is stale */
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

function natSubnetworks(router: Body): string[] {
  return objectsIn(router["nats"])
    .flatMap(({ subnetworks: list }) => objectsIn(list))
    .map(({ name }) => textOf(name));
}

function labelled(body: Body): Body {
  const labels = checkLabels(body["labels"]);
  return { labels, labelFingerprint: fingerprintOf(labels) };
}
