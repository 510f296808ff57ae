import { type Collection, referenced } from "./collection";
import { ApiError, invalid } from "./errors";
import { gatewayOf, overlaps, parseRange, type Range } from "./ip";
import { textOf } from "./json";
import type { Store } from "./store";
import type { Resource } from "./types";

export const subnetworks: Collection = {
  name: "subnetworks",
  scope: "regions",
  word: "subnetwork",
  patch: true,
  uses: ({ network }) => [String(network)],
  made: (network, { ipCidrRange }) => network.addGateway(...gateway(ipCidrRange)),
  gone: (network, { ipCidrRange }) => network.removeGateway(...gateway(ipCidrRange)),
  build: (store, scope, body) => {
    const range = freeRange(store, body["ipCidrRange"]);
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
  actions: {
    setPrivateIpGoogleAccess: (_store, _subnetwork, body) => ({
      privateIpGoogleAccess: body["privateIpGoogleAccess"] === true,
    }),
    expandIpCidrRange: (store, subnetwork, body) => {
      const before = parseRange(String(subnetwork["ipCidrRange"]));
      const after = freeRange(store, body["ipCidrRange"], subnetwork);
      // Machines keep their gateway: a range that begins elsewhere would have another.
      if (before?.first !== after.first || after.prefixLength >= before.prefixLength) {
        const why = "The new range must be larger and, in the local cloud, begin at the same address.";
        throw invalid("ipCidrRange", textOf(body["ipCidrRange"]), why);
      }
      return { ipCidrRange: body["ipCidrRange"] };
    },
  },
};

/** A range that no other subnetwork has a part of. @throws ApiError */
function freeRange(store: Store, wanted: unknown, own?: Resource): Range {
  const cidr = textOf(wanted ?? "");
  const range = parseRange(cidr);
  if (range === undefined || range.prefixLength < 8 || range.prefixLength > 29) {
    throw invalid("resource.ipCidrRange", cidr, "Must be an IPv4 range in CIDR form, from /8 to /29.");
  }
  // One space of addresses for all networks: the machines of a local cloud hang on one bridge.
  for (const other of store.all("subnetworks").filter(({ id }) => id !== own?.id)) {
    const taken = parseRange(String(other["ipCidrRange"]));
    if (taken !== undefined && overlaps(range, taken)) {
      const where = `'${other.name}' in region '${String(other["region"]).replace(/.*\//, "")}'`;
      throw new ApiError(400, "invalid", `Invalid IPCidrRange: ${cidr} conflicts with existing subnetwork ${where}.`);
    }
  }
  return range;
}

/** Address and mask of a subnetwork's gateway. */
export function gateway(ipCidrRange: unknown): [address: string, prefixLength: number] {
  const range = parseRange(String(ipCidrRange));
  if (range === undefined) {
    throw new Error(`${String(ipCidrRange)} is no range`);
  }
  return [gatewayOf(range), range.prefixLength];
}
