/**
 * What a fleet uses from Google's catalogue, and whether Google has the locations and machine types that the settings name. Makes no
 * requests.
 */
import { groupEntries } from "./group-entries";
import { didYouMean } from "./text/did-you-mean";
import { firstOf } from "./text/text";

/** The features of a guest that boots by UEFI and supports Google's network card. */
export const guestOsFeatures = [{ type: "UEFI_COMPATIBLE" }, { type: "GVNIC" }];

/** What Google offers to a project, by name. */
export interface Offers {
  zones: readonly string[];
  /** Zone → its machine types; only for zones that exist. */
  machineTypes: Readonly<Record<string, readonly string[]>>;
}

export interface Wanted {
  region: string;
  /** The zone of VMs that name none. */
  zone: string;
  vms: readonly { name: string; zone: string; machineType: string }[];
}

/** A page of a Compute list, with the fields `items/name,nextPageToken`. */
interface Page {
  items?: { name?: string | null }[] | null | undefined;
  nextPageToken?: string | null | undefined;
}

type Token = { pageToken?: string };

/** The same lists, whichever client makes the requests. `list.machineTypes` is called only for the zones of the VMs. */
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

/**
 * The series that Compute changes into each other: the first and second generation, except T2A and A2
 * (cloud.google.com/compute/docs/instances/changing-machine-type-of-stopped-instance).
 */
const INTERCHANGEABLE = new Set(["e2", "f1", "g1", "n1", "n2", "n2d", "c2", "c2d", "t2d", "m1", "m2"]);

/** Whether Compute gives an existing VM, once it is stopped, this other machine type; it may have none of that size left. */
export function takesMachineType(present: string, wanted: string): boolean {
  const [from, to] = [seriesOf(present), seriesOf(wanted)];
  return from === to || (INTERCHANGEABLE.has(from) && INTERCHANGEABLE.has(to));
}

/** `custom-4-8192` is N1's. */
function seriesOf(machineType: string): string {
  return machineType.replace(/^custom-/, "n1-").replace(/-.*$/, "");
}

/** How many VMs a line names at most. */
const NAMED = 5;
/** Custom machine types: no list has them (cloud.google.com/compute/docs/instances/creating-instance-with-custom-machine-type). */
const CUSTOM = /(^|-)custom-/;

/** A line for each region, zone and machine type that does not exist, however many VMs name it. */
export function offerMistakes({ region, zone: usual, vms }: Wanted, { zones, machineTypes }: Offers): string[] {
  const regions = [...new Set(zones.map((zone) => zone.replace(/-[a-z]$/, "")))];
  if (!regions.includes(region)) return [`gcp:region: "${region}" does not exist${orOneOf(region, regions)}`];
  const there = zones.filter((one) => one.startsWith(`${region}-`));
  const missing = (zone: string) => `"${zone}" does not exist${orOneOf(zone, there)}`;
  const wrongIn = (zone: string, machineType: string) => {
    const offered = machineTypes[zone];
    if (!zones.includes(zone)) return zone === usual ? undefined : `zone ${missing(zone)}`;
    return offered && !offered.includes(machineType) && !CUSTOM.test(machineType)
      ? `machine type "${machineType}" does not exist in zone ${zone}${orOneOf(machineType, offered)}`
      : undefined;
  };
  const wrong = vms.flatMap(({ name, zone, machineType }) => {
    const line = wrongIn(zone, machineType);
    return line === undefined ? [] : [[line, name] as const];
  });
  const isUsual = !zones.includes(usual) && vms.some(({ zone }) => zone === usual);
  const ofVms = [...groupEntries(wrong)].map(([line, names]) => `nixos-fleet:vms: ${firstOf(names, NAMED)}: ${line}`);
  return [...(isUsual ? [`gcp:zone: ${missing(usual)}`] : []), ...ofVms];
}

function orOneOf(written: string, names: readonly string[]): string {
  return didYouMean(written, names) || (names.length <= NAMED ? `; there are ${names.join(", ")}` : "");
}
