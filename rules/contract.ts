/**
 * The names and shapes that the program, the operator's tool, the local cloud, the Nix modules and the agents share. They are
 * written once, in `contract.json`. The readers of each shape are beside this file.
 */
import written from "../contract.json";

export const contract = written;

/** The device name by which the profile finds a home disk (`nix/modules/dev-vm/home-disk.nix`). */
export const HOME_DEVICE = "home";

export type Follow = "branch" | "approved";
export type Outcome = "unchanged" | "updated" | "held" | "deferred" | "failed";
export type Stage = "fetch" | "verify" | "build" | "switch" | "health";
export type Drift = "none" | "behind" | "ahead" | "waiting" | "held" | "failed" | "stopped" | "unknown";

/** Whether a run ended with what should run: nothing was to do, or the update worked. */
export function isCurrent(outcome: Outcome | undefined): boolean {
  return outcome === "unchanged" || outcome === "updated";
}

/** The owner of an existing VM or disk, as its labels say. */
interface Present {
  name: string;
  zone: string;
  fleet: string;
  stack: string;
}

/** A VM as it is now. Sizes are in GB. */
export interface PresentVm extends Present {
  /** Empty if it is in none. */
  wave: string;
  machineType: string;
  /** Whether it is not off: also one that starts, stops or is suspended. */
  running: boolean;
  /** Whether it runs now. */
  up: boolean;
  /** Whether its memory is kept until someone resumes it; a stop loses that. */
  suspended?: boolean;
  deletionProtection: boolean;
  /** Absent if its boot disk is detached. */
  bootDiskGb?: number;
  /** The type of its boot disk; known only of a VM that may be replaced. */
  bootDiskType?: string;
  /** Its subnet's IPv4 range. */
  cidr: string;
  /** Links to its network and subnet, and the address of its account; absent if it has none. */
  network?: string;
  subnetwork?: string;
  account?: string;
  /** Its address inside the network. */
  address?: string;
  /** Its attached disks beside the boot disk: their names, and the device that each is. */
  disks?: { name: string; device: string }[];
}

/** A disk as it is now. */
export interface PresentDisk extends Present {
  type: string;
  sizeGb: number;
  /** The names of the VMs that it is attached to. */
  attachedTo: string[];
}

/** All existing resources of a project's fleets that an update could lose. */
export interface Inventory {
  vms: PresentVm[];
  disks: PresentDisk[];
}

const { prefix, separator, control, startup } = contract.projectMetadata;

/** The start of every project metadata key of one fleet in one stack. */
export function fleetPrefix(fleet: string, stack: string): string {
  return [prefix, fleet, stack, ""].join(separator);
}

/** The project metadata key of a wave's approval. */
export function approvalKey(fleet: string, stack: string, wave: string): string {
  return fleetPrefix(fleet, stack) + wave;
}

/** The project metadata key of the control item. */
export function controlKey(fleet: string, stack: string): string {
  return fleetPrefix(fleet, stack) + control;
}

/**
 * The project metadata key of a stack's startup script. Its prefix differs from that of the other keys: VMs read every key with the common
 * prefix at each check, and would take the script for an approval.
 */
export function startupKey(fleet: string, stack: string): string {
  return [startup, fleet, stack].join(separator);
}

/** The address of a bucket of Cloud Storage, as a VM reads it. */
export function bucketUrl(bucket: string): string {
  return `${contract.cache.storage}/${bucket}`;
}

/** Where a cache holds the manifest of a revision: JSON, `{ host: store path }`. */
export function manifestPath(revision: string): string {
  return `${contract.cache.manifests}/${revision}.json`;
}

/** A revision in the short form for people. */
export function short(revision: string): string {
  return revision.slice(0, 7);
}
