/** Quotas that an update would use up. Pure. */
import type { Inventory } from "../../rules/contract";
import type { FleetConfig } from "../config/fleet-config";
import { homeDiskName } from "../config/names";

/** By metric. */
type Quotas = Readonly<Record<string, { limit: number; usage: number }>>;

/** Those of a project and of one of its regions; empty if they are not known. */
export interface ReadQuotas {
  project: Quotas;
  region: Quotas;
}

/** Disk type → the metric that its size counts for. */
const DISK_METRICS: Partial<Record<string, string>> = {
  "pd-standard": "DISKS_TOTAL_GB",
  "pd-balanced": "SSD_TOTAL_GB",
  "pd-ssd": "SSD_TOTAL_GB",
};

/** Quotas as Compute lists them. */
export function quotasOf(
  listed: readonly { metric?: string | null; limit?: number | null; usage?: number | null }[] | null | undefined,
): Quotas {
  return Object.fromEntries(
    (listed ?? []).flatMap(({ metric, limit, usage }) =>
      metric == null || limit == null ? [] : [[metric, { limit, usage: usage ?? 0 }] as const],
    ),
  );
}

/** A line for the region, and one for snapshots: when their quota is used up, no error reaches Pulumi. */
export function quotaWarnings(
  config: Pick<FleetConfig, "region" | "vms" | "snapshots">,
  inventory: Inventory,
  { project, region }: ReadQuotas,
): string[] {
  const over = Object.entries(newIn(config, inventory)).flatMap(([metric, amount]) => {
    const quota = region[metric];
    const left = quota === undefined ? Infinity : Math.max(0, quota.limit - quota.usage);
    return amount > left ? [`${metric} ${amount} of ${left}`] : [];
  });
  return [
    ...(over.length === 0
      ? []
      : [
          `gcp:region: this update takes more than the quotas of ${config.region} leave: ${over.join(", ")}; what is over them is not created. Ask Google for more first (docs/scale.md)`,
        ]),
    ...snapshotWarnings(config, project),
  ];
}

/** What this update creates, by the metric that it counts for. */
function newIn({ vms }: Pick<FleetConfig, "vms">, inventory: Inventory): Record<string, number> {
  const isNew = (present: readonly { name: string; zone: string }[], name: string, zone: string) =>
    !present.some((one) => one.name === name && one.zone === zone);
  const created = vms.filter(({ name, zone }) => isNew(inventory.vms, name, zone));
  const disks = [
    ...created.map(({ diskType, diskSizeGb }) => ({ type: diskType, sizeGb: diskSizeGb })),
    ...vms.flatMap(({ name, zone, homeDisk }) =>
      homeDisk !== undefined && isNew(inventory.disks, homeDiskName(name), zone) ? [homeDisk] : [],
    ),
  ];
  const amounts: Record<string, number> = { INSTANCES: created.length };
  for (const { type, sizeGb } of disks) {
    const metric = DISK_METRICS[type];
    if (metric !== undefined) amounts[metric] = (amounts[metric] ?? 0) + sizeGb;
  }
  return amounts;
}

function snapshotWarnings({ vms, snapshots }: Pick<FleetConfig, "vms" | "snapshots">, project: Quotas): string[] {
  if (snapshots === undefined) return [];
  const limit = project["SNAPSHOTS"]?.limit ?? Infinity;
  const disks = vms.filter(({ homeDisk }) => homeDisk !== undefined).length;
  // The oldest one goes after the newest is taken.
  const each = snapshots.keepDays + 1;
  if (disks * each <= limit) return [];
  return [
    `nixos-fleet:snapshots: ${disks} home disks with ${each} snapshots each are ${disks * each}, and the project's quota SNAPSHOTS is ${limit}; once it is used up, Compute takes no more and reports no error. Ask Google for more, or set a smaller keepDays`,
  ];
}
