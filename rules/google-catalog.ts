/** What of Google's catalogue a fleet takes, and whether Google has the places and machine types that settings name. It asks nothing by itself. */
import { didYouMean } from "./text/did-you-mean";
import { firstOf } from "./text/text";

/** What a guest that boots by UEFI and knows Google's network card says of itself. */
export const guestOsFeatures = [{ type: "UEFI_COMPATIBLE" }, { type: "GVNIC" }];

/** What Google offers to a project, by name. */
export interface Offers {
  zones: readonly string[];
  /** Zone → its machine types; only zones that exist are asked. */
  machineTypes: Readonly<Record<string, readonly string[]>>;
}

export interface Wanted {
  region: string;
  /** Where VMs go that name no zone. */
  zone: string;
  vms: readonly { name: string; zone: string; machineType: string }[];
}

/** A page of a list of Compute's, with the fields `items/name,nextPageToken`. */
interface Page {
  items?: { name?: string | null }[] | null | undefined;
  nextPageToken?: string | null | undefined;
}

type Token = { pageToken?: string };

/** The same lists, however they are asked for: `list.machineTypes` for the zones of the VMs alone. */
export async function gatherOffers(
  list: { zones: (page: Token) => Promise<Page>; machineTypes: (zone: string, page: Token) => Promise<Page> },
  vms: Wanted["vms"],
): Promise<Offers> {
  const zones = await allNames(list.zones);
  const wanted = [...new Set(vms.map(({ zone }) => zone))].filter((zone) => zones.includes(zone));
  const types = await Promise.all(
    wanted.map(async (zone) => [zone, await allNames((page) => list.machineTypes(zone, page))] as const),
  );
  return { zones, machineTypes: Object.fromEntries(types) };
}

async function allNames(read: (page: Token) => Promise<Page>): Promise<string[]> {
  const found: string[] = [];
  let page: Token | undefined = {};
  while (page !== undefined) {
    const { items, nextPageToken }: Page = await read(page);
    found.push(...(items ?? []).map(({ name }) => name ?? ""));
    page = nextPageToken ? { pageToken: nextPageToken } : undefined;
  }
  return found;
}

/** VMs that a line names at most. */
const NAMED = 5;
/** Made to measure: no list has them (cloud.google.com/compute/docs/instances/creating-instance-with-custom-machine-type). */
const CUSTOM = /(^|-)custom-/;

/** A line for each region, zone and machine type that is not there, whatever the number of VMs. */
export function offerMistakes({ region, zone: usual, vms }: Wanted, { zones, machineTypes }: Offers): string[] {
  const regions = [...new Set(zones.map((zone) => zone.replace(/-[a-z]$/, "")))];
  if (!regions.includes(region)) return [`gcp:region: "${region}" does not exist${orOneOf(region, regions)}`];
  const there = zones.filter((one) => one.startsWith(`${region}-`));
  const missing = (zone: string) => `"${zone}" does not exist${orOneOf(zone, there)}`;
  const groups = new Map<string, string[]>();
  const add = (line: string, vm: string) => groups.set(line, [...(groups.get(line) ?? []), vm]);
  for (const { name, zone, machineType } of vms) {
    const offered = machineTypes[zone];
    if (zone === usual && !zones.includes(zone)) continue;
    if (!zones.includes(zone)) add(`zone ${missing(zone)}`, name);
    else if (offered && !offered.includes(machineType) && !CUSTOM.test(machineType))
      add(`machine type "${machineType}" does not exist in zone ${zone}${orOneOf(machineType, offered)}`, name);
  }
  const isUsual = !zones.includes(usual) && vms.some(({ zone }) => zone === usual);
  const ofVms = [...groups].map(([line, names]) => `nixos-fleet:vms: ${firstOf(names, NAMED)}: ${line}`);
  return [...(isUsual ? [`gcp:zone: ${missing(usual)}`] : []), ...ofVms];
}

function orOneOf(written: string, names: readonly string[]): string {
  return didYouMean(written, names) || (names.length <= NAMED ? `; there are ${names.join(", ")}` : "");
}
