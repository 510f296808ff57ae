/** Networks, subnetworks, routers, firewalls, addresses. Replacements and changes in place are as in the official provider. */
import type { Call } from "../api";
import type { Fields } from "../fields";
import { linkTo } from "../links";
import { patch, type RestKind, type RestUpdate } from "../rest";

export const NETWORKS = "global/networks";
export const SUBNETWORKS = "regions/{region}/subnetworks";
const ROUTERS = "regions/{region}/routers";

const number = { from: Number };
/** Any logging configuration means that logging is on; Compute requires the field. */
const enabled: Fields = { enable: { otherwise: true } };
const self: Fields = { selfLink: {}, creationTimestamp: {} };

export const network: RestKind = {
  token: "gcp:compute/network:Network",
  args: ["compute/network.d.ts", "NetworkArgs"],
  collection: NETWORKS,
  fields: {
    autoCreateSubnetworks: { otherwise: true },
    description: {},
    mtu: { computed: true, inPlace: true },
    routingMode: { computed: true, inPlace: true, rest: "routingConfig.routingMode" },
    networkFirewallPolicyEnforcementOrder: { inPlace: true, otherwise: "AFTER_CLASSIC_FIREWALL" },
    enableUlaInternalIpv6: { inPlace: true },
    internalIpv6Range: {},
  },
  outputs: { selfLink: {}, gatewayIpv4: { rest: "gatewayIPv4" }, networkId: { rest: "id" }, numericId: { rest: "id" } },
};

const subnetworkFields: Fields = {
  network: { to: linkTo(NETWORKS) },
  ipCidrRange: { computed: true, inPlace: true },
  description: {},
  privateIpGoogleAccess: { computed: true, inPlace: true },
  purpose: { computed: true, inPlace: true },
  role: { inPlace: true },
  stackType: { computed: true, inPlace: true },
  secondaryIpRanges: { computed: true, inPlace: true, of: { rangeName: {}, ipCidrRange: {} } },
  logConfig: {
    inPlace: true,
    of: {
      ...enabled,
      aggregationInterval: {},
      flowSampling: {},
      metadata: {},
      metadataFields: { unordered: true },
      filterExpr: {},
    },
  },
};

export const subnetwork: RestKind = {
  token: "gcp:compute/subnetwork:Subnetwork",
  args: ["compute/subnetwork.d.ts", "SubnetworkArgs"],
  collection: SUBNETWORKS,
  fields: subnetworkFields,
  outputs: { ...self, fingerprint: {}, gatewayAddress: {}, subnetworkId: { rest: "id", ...number } },
  update: subnetworkCalls,
};

/** Two properties have calls of their own. The rest is a PATCH that requires the fingerprint. */
function subnetworkCalls(change: RestUpdate): Call[] {
  const { inputs, path, current } = change;
  const calls: Call[] = [];
  if (change.changed("ipCidrRange"))
    calls.push({
      method: "POST",
      path: `${path}/expandIpCidrRange`,
      body: { ipCidrRange: inputs["ipCidrRange"] ?? "" },
    });
  if (change.changed("privateIpGoogleAccess")) {
    const body = { privateIpGoogleAccess: inputs["privateIpGoogleAccess"] ?? false };
    calls.push({ method: "POST", path: `${path}/setPrivateIpGoogleAccess`, body });
  }
  const own = ["ipCidrRange", "privateIpGoogleAccess"];
  const others = Object.fromEntries(Object.entries(subnetworkFields).filter(([name]) => !own.includes(name)));
  const rest = patch(others, change);
  if (rest) calls.push({ ...rest, body: { ...rest.body, fingerprint: current["fingerprint"] ?? "" } });
  return calls;
}

export const router: RestKind = {
  token: "gcp:compute/router:Router",
  args: ["compute/router.d.ts", "RouterArgs"],
  collection: ROUTERS,
  fields: {
    network: { to: linkTo(NETWORKS) },
    description: { inPlace: true },
    bgp: {
      inPlace: true,
      of: {
        asn: {},
        advertiseMode: {},
        advertisedGroups: { unordered: true },
        advertisedIpRanges: { of: { range: {}, description: {} } },
        keepaliveInterval: {},
        identifierRange: {},
      },
    },
  },
  outputs: self,
};

const rule: Fields = { protocol: { rest: "IPProtocol" }, ports: {} };

export const firewall: RestKind = {
  token: "gcp:compute/firewall:Firewall",
  storesFailed: true,
  args: ["compute/firewall.d.ts", "FirewallArgs"],
  collection: "global/firewalls",
  fields: {
    network: { inPlace: true, to: linkTo(NETWORKS) },
    direction: { computed: true },
    description: { inPlace: true },
    priority: { inPlace: true, otherwise: 1000 },
    disabled: { inPlace: true },
    allows: { inPlace: true, rest: "allowed", of: rule },
    denies: { inPlace: true, rest: "denied", of: rule },
    logConfig: { inPlace: true, of: { ...enabled, metadata: {} } },
    sourceRanges: { inPlace: true, unordered: true },
    destinationRanges: { inPlace: true, unordered: true },
    sourceTags: { inPlace: true, unordered: true },
    targetTags: { inPlace: true, unordered: true },
    sourceServiceAccounts: { inPlace: true, unordered: true },
    targetServiceAccounts: { inPlace: true, unordered: true },
  },
  outputs: self,
};

export const address: RestKind = {
  token: "gcp:compute/address:Address",
  args: ["compute/address.d.ts", "AddressArgs"],
  collection: "regions/{region}/addresses",
  labels: true,
  fields: {
    address: { computed: true },
    addressType: { otherwise: "EXTERNAL" },
    description: {},
    ipVersion: {},
    network: { to: linkTo(NETWORKS) },
    networkTier: { computed: true },
    prefixLength: { computed: true },
    purpose: { computed: true },
    subnetwork: { computed: true, to: linkTo(SUBNETWORKS) },
  },
  outputs: { ...self, users: {}, addressId: { rest: "id", ...number } },
  // Only labels can change in place.
  update: () => [],
};
