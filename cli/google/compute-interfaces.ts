/** The parts of the Compute API that the operator's tool uses, independent of the transport. */
import type { compute_v1 } from "@googleapis/compute/build/v1";
import type { Offers, Wanted } from "../../rules/google-catalog";
import type { HasImage } from "../../rules/vm-images";

/** All parts. */
export type ComputeClient = Compute & Images & Catalog & Consoles & Disks;

/** An instance as the operator's tool needs it. */
export interface Instance {
  name: string;
  zone: string;
  /** Compute's word: PROVISIONING, STAGING, RUNNING, STOPPING, SUSPENDING, SUSPENDED, REPAIRING or TERMINATED. */
  state: string;
  labels: Record<string, string>;
  metadata: Record<string, string>;
  /** The first interface's internal address. */
  address?: string;
  /** RFC 3339: when it was last started, or created. */
  startedAt?: string;
  /** RFC 3339: when it was last stopped. */
  stoppedAt?: string;
}

/** The part of the Compute API that the operator's tool uses. Every call may throw an `ApiError`. */
export interface Compute {
  readonly project: string;
  /** Milliseconds after which a gate may ask for the same VM's guest attributes again. */
  readonly guestAttributesInterval: number;
  /** All instances of the project that match the filter (in Compute's syntax). */
  instances(filter?: string): Promise<Instance[]>;
  /** A VM's guest attributes of one namespace; empty if it wrote none. */
  guestAttributes(instance: Pick<Instance, "name" | "zone">, namespace: string): Promise<Record<string, string>>;
  /** The project's metadata. */
  projectMetadata(): Promise<Record<string, string>>;
  /**
   * Changes one item of the project's metadata by compare-and-swap. `edit` gets all items and returns the new value, or undefined to
   * remove the item. If someone else was faster, `edit` is called again with what they wrote.
   */
  editProjectItem(key: string, edit: (items: Record<string, string>) => string | undefined): Promise<void>;
}

/** VMs' serial console output. */
export interface Consoles {
  /** The newest megabyte of the output. */
  serial(instance: Pick<Instance, "name" | "zone">): Promise<string>;
}

/** What the same API offers to a project. */
export interface Catalog {
  /** All zones, and the machine types of the zones that these VMs will be in. */
  offers(vms: Wanted["vms"]): Promise<Offers>;
}

/** Takes a VM out of use and keeps what was on its disks. */
export interface Disks {
  /** The disks of a VM, and whether Compute refuses to delete it. */
  attached(instance: Pick<Instance, "name" | "zone">): Promise<{ deletionProtection: boolean; disks: AttachedDisk[] }>;
  /** Stops a VM and waits until it is off. */
  stop(instance: Pick<Instance, "name" | "zone">): Promise<void>;
  /** The disks that match the filter. */
  disks(filter: string): Promise<Disk[]>;
  /** The snapshots since a time that match the filter, as far as they did not fail. */
  snapshotsSince(filter: string, since: Date): Promise<TakenSnapshot[]>;
  /** Takes a snapshot of a disk and waits until it is complete. */
  snapshot(disk: { name: string; zone: string }, snapshot: NewSnapshot): Promise<void>;
}

/** A disk by itself. */
export interface Disk {
  name: string;
  zone: string;
  /** RFC 3339. */
  createdAt: string;
}

/** A snapshot that was taken. */
export interface TakenSnapshot {
  /** Of which disk, which may be gone. */
  disk: string;
  zone: string;
  /** RFC 3339. */
  at: string;
}

/** A disk of a VM. */
export interface AttachedDisk {
  name: string;
  /** The name by which the machine finds it. */
  device: string;
  boot: boolean;
}

/** A snapshot to take. */
export interface NewSnapshot {
  name: string;
  description: string;
  labels: Record<string, string>;
  /** By default near the disk. */
  storageLocations?: string[];
}

/** The same API's images. */
export interface Images {
  readonly project: string;
  hasImage: HasImage;
  /** Makes an image, and waits until it is ready. */
  insertImage(image: compute_v1.Schema$Image): Promise<void>;
}
