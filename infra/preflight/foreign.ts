/** VMs and disks of the project that belong to no fleet, and have a name that an update would create. */
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { contract, type Inventory } from "../../rules/contract";
import { groupEntries } from "../../rules/group-entries";
import { firstOf } from "../../rules/text/text";
import { ConfigError } from "../config-error";
import { homeDiskName } from "../config/names";
import type { Fleet } from "./findings";
import { existingHomeDisks } from "./replacement";
import { oursNamed } from "./stack-moves";

type Kind = "instances" | "disks";

/** The names in a zone that carry no fleet's label. */
export type ListForeign = (kind: Kind, zone: string) => Promise<string[]>;

/** What an update would create, at the key that names it. */
interface Wanted {
  at: string;
  kind: Kind;
  zone: string;
  name: string;
}

/**
 * @param list called only for zones where something is to be created
 * @throws ConfigError of every name that is taken: Compute would refuse it in the middle of the update
 */
export async function requireFreeNames(config: Fleet, inventory: Inventory, list: ListForeign): Promise<void> {
  const wanted = wantedNames(config, inventory);
  const groups = [...groupEntries(wanted.map((one) => [`${one.kind} ${one.zone}`, one] as const)).values()] as [
    Wanted,
    ...Wanted[],
  ][];
  // What cannot be read counts as free: Compute itself later refuses what is not.
  const taken = await Promise.all(
    groups.map(async ([first, ...more]) => {
      const foreign = await list(first.kind, first.zone).catch((): string[] => []);
      return [first, ...more].filter(({ name }) => foreign.includes(name));
    }),
  );
  const lines = taken.flatMap((found) => lineOf(config, found));
  if (lines.length > 0) throw new ConfigError(lines, "NF102");
}

/** A line for the names of one zone that are taken, if any are. */
function lineOf({ fleet, stack }: Fleet, taken: readonly Wanted[]): string[] {
  const [first] = taken;
  if (first === undefined) return [];
  const { at, kind, zone } = first;
  const [are, belong] = taken.length === 1 ? ["is", "belongs"] : ["are", "belong"];
  const { labels } = contract;
  const label = `gcloud compute ${kind} add-labels ${first.name} --zone=${zone} --labels=${labels.fleet}=${fleet},${labels.stack}=${stack}`;
  const names = firstOf(taken.map(({ name }) => name));
  return [
    `nixos-fleet:${at}: ${names} ${are} there already in ${zone}, and ${belong} to no fleet; choose another name (docs/moving.md, "Existing VMs"), or, if it is this stack's, ${label}`,
  ];
}

function wantedNames(config: Fleet, inventory: Inventory): Wanted[] {
  const disks = existingHomeDisks(config, inventory);
  return config.vms.flatMap(({ name, zone, homeDisk }, index): Wanted[] => [
    ...(oursNamed(config, inventory.vms, name)
      ? []
      : [{ at: `vms[${index}].name`, kind: "instances", zone, name } as const]),
    ...(homeDisk === undefined || name in disks
      ? []
      : [{ at: `vms[${index}].homeDisk`, kind: "disks", zone, name: homeDiskName(name) } as const]),
  ]);
}

/** Lists by Compute's API. */
export function foreignLister(api: compute_v1.Compute, project: string): ListForeign {
  return async (kind, zone) => {
    const names: string[] = [];
    let pageToken: string | undefined;
    do {
      const fields = "items(name,labels),nextPageToken";
      const asked = { project, zone, fields, ...(pageToken === undefined ? {} : { pageToken }) };
      const { data }: { data: compute_v1.Schema$InstanceList | compute_v1.Schema$DiskList } =
        kind === "instances" ? await api.instances.list(asked) : await api.disks.list(asked);
      for (const { name, labels } of data.items ?? [])
        if (!(contract.labels.fleet in (labels ?? {}))) names.push(name ?? "");
      pageToken = data.nextPageToken ?? undefined;
    } while (pageToken !== undefined && pageToken !== "");
    return names;
  };
}
