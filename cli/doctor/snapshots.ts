/** The daily snapshots of home disks. Compute takes them by itself, so no one sees an error when it takes no more. */
import { contract } from "../../rules/contract";
import type { Disks } from "../google/compute";
import type { StackSettings } from "../stack";
import { secondsSince } from "../status/status";
import { checkResult, listed, ok, warn, type Facts, type Finding, type SnapshotDisk } from "./findings";

/** Seconds for which a disk may be without a snapshot: one day's may have failed. */
const withoutSnapshot = 2 * 24 * 3_600;

/** The disks of these settings that exist, with their newest snapshots of the last two days. */
export async function snapshotDisksOf(
  compute: Pick<Disks, "disks" | "snapshotsSince">,
  { fleet, snapshotDisks }: Pick<StackSettings, "fleet" | "snapshotDisks">,
  now: Date,
): Promise<SnapshotDisk[]> {
  // A disk keeps the stack's label that it was created with.
  const filter = `labels.${contract.labels.fleet}=${fleet}`;
  const since = new Date(now.getTime() - withoutSnapshot * 1_000);
  const [disks, snapshots] = await Promise.all([compute.disks(filter), compute.snapshotsSince(filter, since)]);
  const key = (zone: string, name: string) => `${zone}/${name}`;
  const wanted = new Set(snapshotDisks.map(({ zone, name }) => key(zone, name)));
  // The newest come first.
  const newest = new Map([...snapshots].reverse().map(({ zone, disk, at }) => [key(zone, disk), at]));
  return disks
    .filter(({ zone, name }) => wanted.has(key(zone, name)))
    .map(({ zone, name, createdAt }) => ({ name, createdAt, newest: newest.get(key(zone, name)) }));
}

export function checkSnapshots({ snapshotDisks }: Facts, now: Date): Finding[] {
  const isLong = (at: string | undefined) => (secondsSince(at, now) ?? Infinity) > withoutSnapshot;
  return checkResult(
    "snapshots",
    snapshotDisks,
    (disks) => {
      const bare = disks.filter(({ createdAt, newest }) => isLong(createdAt) && isLong(newest));
      return bare.length === 0
        ? ok("snapshots", "every home disk has one of the last two days")
        : listed(
            bare.map(({ name }) => name),
            (names) =>
              warn(
                "snapshots",
                `none for two days: ${names}`,
                "see whether the quota SNAPSHOTS is used up (gcloud compute project-info describe); if not, pulumi up --refresh",
              ),
          );
    },
    "you may need compute.disks.list and compute.snapshots.list",
    warn,
  );
}
