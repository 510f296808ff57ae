import { isIPv4 } from "node:net";
import { type Collection, referenced } from "./collection";
import { ApiError, invalid, notFound } from "../errors";
import { fingerprintOf, textOf } from "../json";
import { objectsIn } from "../../../rules/text/json";
import type { Store } from "../store";
import type { Instance, NetworkInterface, Resource } from "../types";
import { regionOf } from "./catalog";
import { pathOf } from "../paths";

export const subnetworks: Collection = {
  name: "subnetworks",
  fingerprint: true,
  scope: "regions",
  word: "subnetwork",
  patch: true,
  uses: ({ network }) => [String(network)],
  made: ({ network }, { ipCidrRange }) => network.addGateway(...gateway(ipCidrRange)),
  // A subnetwork of another network may have the same range and therefore the same gateway.
  gone: async ({ network }, { ipCidrRange }, store) => {
    const shared = store.all("subnetworks").some((other) => other["ipCidrRange"] === ipCidrRange);
    if (!shared) await network.removeGateway(...gateway(ipCidrRange));
  },
  build: (store, scope, body) => {
    const range = freeRange(store, body["ipCidrRange"], textOf(body["network"]));
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
      const after = freeRange(store, body["ipCidrRange"], textOf(subnetwork["network"]), subnetwork);
      // Machines keep their gateway: a range with another start would have another gateway.
      if (before?.first !== after.first || after.prefixLength >= before.prefixLength) {
        const why = "The new range must be larger and, in the local cloud, begin at the same address.";
        throw invalid("ipCidrRange", textOf(body["ipCidrRange"]), why);
      }
      return { ipCidrRange: body["ipCidrRange"] };
    },
  },
};

/**
 * The range, if it overlaps no other subnetwork of the network. The machines of a local cloud share one bridge and one address space,
 * so another network may have exactly the same range, but none that overlaps it in part. @throws ApiError
 */
function freeRange(store: Store, wanted: unknown, network: string, own?: Resource): Range {
  const cidr = textOf(wanted ?? "");
  const range = parseRange(cidr);
  if (range === undefined || range.prefixLength < 8 || range.prefixLength > 29) {
    throw invalid("resource.ipCidrRange", cidr, "Must be an IPv4 range in CIDR form, from /8 to /29.");
  }
  for (const other of store.all("subnetworks").filter(({ id }) => id !== own?.id)) {
    const taken = parseRange(String(other["ipCidrRange"]));
    const elsewhere = pathOf(store.project, String(other["network"])) !== pathOf(store.project, network);
    if (elsewhere && taken?.first === range.first && taken.prefixLength === range.prefixLength) {
      continue;
    }
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

type Body = Record<string, unknown>;

/** The interfaces of a new instance, with their addresses. */
export function planInterfaces(store: Store, zone: string, wanted: unknown): NetworkInterface[] {
  const list = objectsIn(wanted);
  const [first] = list;
  if (first === undefined) {
    throw invalid("resource.networkInterfaces", "", "At least one network interface is required.");
  }
  if (list.length > 1) {
    throw invalid("resource.networkInterfaces", "", "The local cloud's machines have one network interface.");
  }
  const field = "resource.networkInterfaces[0]";
  const subnetwork = findSubnetwork(store, zone, first, field);
  const address = chooseAddress(store, subnetwork, first["networkIP"], `${field}.networkIP`);
  const shown = {
    ...first,
    kind: "compute#networkInterface" as const,
    name: "nic0",
    network: String(subnetwork["network"]),
    subnetwork: subnetwork.selfLink,
    networkIP: address,
    stackType: "IPV4_ONLY",
  };
  return [{ ...shown, fingerprint: fingerprintOf(shown) }];
}

function findSubnetwork(store: Store, zone: string, wanted: Body, field: string): Resource {
  const region = regionOf(zone);
  const named = wanted["subnetwork"];
  if (typeof named === "string" && named !== "") {
    const path = pathOf(store.project, named);
    if (!path.startsWith(`regions/${region}/subnetworks/`)) {
      throw invalid(`${field}.subnetwork`, named, `The subnetwork must be in the region '${region}'.`);
    }
    return usable(store, path, `${field}.subnetwork`, named, "subnetwork");
  }
  const given = wanted["network"];
  const network = typeof given === "string" && given !== "" ? given : store.link("global/networks/default");
  const { selfLink } = usable(store, pathOf(store.project, network), `${field}.network`, network, "network");
  const [only] = store
    .list("subnetworks", `regions/${region}`)
    .filter(({ resource }) => resource["network"] === selfLink);
  if (only === undefined) {
    throw invalid(`${field}.subnetwork`, "", "Subnetwork should be specified for custom subnetmode network");
  }
  return only.resource;
}

function usable(store: Store, path: string, field: string, link: string, kind: string): Resource {
  const stored = store.state.resources[path];
  if (stored === undefined || stored.pending !== undefined) {
    throw invalid(field, link, `The referenced ${kind} resource cannot be found.`);
  }
  return stored.resource;
}

function chooseAddress(store: Store, subnetwork: Resource, wanted: unknown, field: string): string {
  const range = parseRange(String(subnetwork["ipCidrRange"]));
  if (range === undefined) {
    throw notFound(subnetwork.selfLink);
  }
  const taken = new Set(
    (store.all("instances") as Instance[]).flatMap(({ networkInterfaces }) =>
      networkInterfaces.map(({ networkIP }) => networkIP),
    ),
  );
  if (typeof wanted !== "string" || wanted === "") {
    const free = allocate(range, taken);
    if (free === undefined) {
      const message = `IP space of '${subnetwork.selfLink}' is exhausted.`;
      throw new ApiError(400, "ipSpaceExhausted", message);
    }
    return free;
  }
  const address = parseAddress(wanted);
  if (address === undefined || !isUsable(range, address)) {
    throw invalid(field, wanted, "Requested internal IP address is outside the subnetwork's usable range.");
  }
  if (taken.has(wanted)) {
    throw invalid(field, wanted, "Requested internal IP address is already being used by another resource.");
  }
  return wanted;
}

/** IPv4 ranges, as far as subnetworks need them. */
interface Range {
  /** First address, as a number. */
  first: number;
  prefixLength: number;
}

/** Undefined if the text is not an IPv4 range in CIDR form with zero host bits. */
export function parseRange(cidr: string): Range | undefined {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
  const first = parseAddress(match?.[1] ?? "");
  const prefixLength = Number(match?.[2]);
  if (first === undefined || prefixLength > 32) {
    return undefined;
  }
  return first % size({ first, prefixLength }) === 0 ? { first, prefixLength } : undefined;
}

/** Undefined if the text is not an IPv4 address. */
export function parseAddress(address: string): number | undefined {
  return isIPv4(address) ? address.split(".").reduce((number, part) => number * 256 + Number(part), 0) : undefined;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join(".");
}

/** The number of addresses in a range. */
function size({ prefixLength }: Range): number {
  return 2 ** (32 - prefixLength);
}

export function overlaps(one: Range, other: Range): boolean {
  return one.first < other.first + size(other) && other.first < one.first + size(one);
}

/** The gateway's address: the first after the network's own. */
export function gatewayOf(range: Range): string {
  return formatAddress(range.first + 1);
}

/** Dotted mask, as the metadata server shows it. */
export function maskOf({ prefixLength }: Range): string {
  return formatAddress(2 ** 32 - 2 ** (32 - prefixLength));
}

/** Whether Compute gives this address to a VM. It reserves the network's, the gateway's, the last but one, and the broadcast address. */
export function isUsable(range: Range, address: number): boolean {
  return address >= range.first + 2 && address < range.first + size(range) - 2;
}

/** The lowest free address, or undefined if the range is full. */
export function allocate(range: Range, taken: ReadonlySet<string>): string | undefined {
  for (let address = range.first + 2; isUsable(range, address); address++) {
    const text = formatAddress(address);
    if (!taken.has(text)) {
      return text;
    }
  }
  return undefined;
}
