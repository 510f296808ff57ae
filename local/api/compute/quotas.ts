/** Quotas: what Compute counts of a project, and of what is in one of its regions. The limits are those of an established project. */
import { regionOf } from "./catalog";
import type { Store } from "../store";
import type { Resource } from "../types";

interface Quota {
  metric: string;
  limit: number;
  usage: number;
}

/** Disk types that count as SSD. */
const SSD = /\/(pd-balanced|pd-ssd)$/;

export function projectQuotas(store: Store): Quota[] {
  return [
    { metric: "SNAPSHOTS", limit: 5000, usage: store.all("snapshots").length },
    { metric: "NETWORKS", limit: 50, usage: store.all("networks").length },
  ];
}

export function regionQuotas(store: Store, region: string): Quota[] {
  const inRegion = ({ zone }: Resource) => regionOf(String(zone).replace(/^.*\//, "")) === region;
  const disks = store.all("disks").filter(inRegion);
  const sizeOf = (some: Resource[]) => some.reduce((sum, { sizeGb }) => sum + Number(sizeGb), 0);
  return [
    { metric: "INSTANCES", limit: 6000, usage: store.all("instances").filter(inRegion).length },
    { metric: "DISKS_TOTAL_GB", limit: 512_000, usage: sizeOf(disks.filter(({ type }) => !SSD.test(String(type)))) },
    { metric: "SSD_TOTAL_GB", limit: 512_000, usage: sizeOf(disks.filter(({ type }) => SSD.test(String(type)))) },
  ];
}
