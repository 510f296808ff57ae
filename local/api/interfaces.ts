import { regionOf } from "./catalog";
import { ApiError, invalid, notFound } from "./errors";
import { fingerprintOf } from "./fingerprint";
import { allocate, isUsable, parseAddress, parseRange } from "./ip";
import { recordsIn } from "./json";
import { pathOf } from "./paths";
import type { Store } from "./store";
import type { Instance, NetworkInterface, Resource } from "./types";

type Body = Record<string, unknown>;

/** The interfaces of an instance that is to be made, with their addresses. */
export function planInterfaces(store: Store, zone: string, wanted: unknown): NetworkInterface[] {
  const list = recordsIn(wanted);
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
