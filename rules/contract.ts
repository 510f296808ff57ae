/**
 * The names and shapes that the program, the operator's tool, the local cloud, the Nix modules and the agents share.
 * They are written once, in `contract.json`; this file gives TypeScript its types and its checks.
 */
import { z } from "zod";
import written from "../contract.json";

export const contract = written;

export type Follow = "branch" | "approved";
export type Outcome = "unchanged" | "updated" | "held" | "deferred" | "failed";
export type Stage = "fetch" | "verify" | "build" | "switch" | "health";
export type Drift = "none" | "behind" | "ahead" | "waiting" | "held" | "failed" | "stopped" | "unknown";

/** A home that a VM keeps: whose it is, and which `homeConfigurations` attribute of which repository. */
export interface Home {
  user: string;
  /** The home's own repository; by default homes live in the config repository. */
  repository?: string;
  branch?: string;
  attribute: string;
  /** As `deployKeySecret` of the VM, for the home's own repository. */
  deployKeySecret?: string;
}

/** What a VM is told about itself: the value of its metadata key `nixos-fleet`. */
export interface InstanceMetadata {
  fleet: string;
  stack: string;
  /** `nixosConfigurations.<host>` of the config repository. */
  host: string;
  /** Absent where the fleet has no waves. */
  wave?: string;
  repository: string;
  branch: string;
  /** Where the clone for people lives, `/etc/nixos` by default. */
  directory: string;
  follow: Follow;
  /**
   * What the repository asks for, in Secret Manager: `projects/P/secrets/S`, of which the latest version counts. An SSH private key
   * where the repository is reached by SSH, a token where it is by https.
   */
  deployKeySecret?: string;
  knownHosts?: string;
  signers?: string;
  homes: Home[];
  cache?: Cache;
  /** Whether the agent tells Cloud Logging how its updates end, and once in a while that it is there. */
  monitoring?: boolean;
}

/** Where a VM finds what was built for it. */
export interface Cache {
  /** Its address; under `contract.cache.storage` a private bucket, which the VM reads with its own account. */
  url: string;
  /** As Nix writes public keys, `NAME:BASE64`. */
  publicKey: string;
}

/** Whose a VM or a disk is that Compute has already: what its labels say. */
interface Present {
  name: string;
  zone: string;
  fleet: string;
  stack: string;
}

/** A VM as it is now. Sizes are in GB. */
export interface PresentVm extends Present {
  /** Empty where it is in none. */
  wave: string;
  machineType: string;
  running: boolean;
  deletionProtection: boolean;
  bootDiskGb: number;
  /** Its subnet's IPv4 range. */
  cidr: string;
}

/** A disk as it is now. */
export interface PresentDisk extends Present {
  type: string;
  sizeGb: number;
}

/** All that there is of a project's fleets already and that an update could lose. */
export interface Inventory {
  vms: PresentVm[];
  disks: PresentDisk[];
}

/** What an update's end looks like to the rest of the world; one JSON object, a guest attribute. */
export interface Report {
  /** The full revision that the VM runs now. */
  revision: string;
  /** The approval (full revision) that the agent last acted on; a gate waits for it. */
  approved?: string;
  /** SHA-256 (hex) of `flake.lock` at `revision`. */
  lock: string;
  lockMatches?: boolean;
  /** Store path of the running system or home. */
  toplevel: string;
  outcome: Outcome;
  /** Where a failure happened. */
  stage?: Stage;
  error?: string;
  rolledBack: boolean;
  rebootRequired: boolean;
  /** RFC 3339, UTC. */
  at: string;
  bootedAt: string;
  /** The agent's version. */
  agent: string;
}

const revision = z.string().regex(/^[0-9a-f]{40}$/, "must be a full git revision (40 hex digits)");
const digest = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 (64 hex digits)");

/** One wave's approval: the value of a project metadata item that Pulumi alone writes. */
export const approvalSchema = z.strictObject({
  revision,
  lock: digest,
  homes: z.record(z.string(), z.strictObject({ revision, lock: digest })).optional(),
  manifest: z.strictObject({ url: z.string(), sha256: digest }).optional(),
});
export type Approval = z.infer<typeof approvalSchema>;

/** Holds, pins and undo: the value of the one project metadata item that Pulumi never declares. */
export const controlSchema = z.strictObject({
  holds: z
    .array(
      z.strictObject({
        /** `fleet`, `wave:NAME` or `vm:NAME`. */
        scope: z.string().regex(/^(fleet|(wave|vm):.+)$/, "must be fleet, wave:NAME or vm:NAME"),
        /** A hold with a revision lapses by itself when the approval moves on. */
        revision: revision.optional(),
        by: z.string(),
        why: z.string(),
        at: z.string(),
      }),
    )
    .default([]),
  pins: z.record(z.string(), revision).default({}),
  /** wave → bad revision → good revision, or `previous`: what each VM ran before. */
  instead: z.record(z.string(), z.record(z.string(), z.union([revision, z.literal("previous")]))).default({}),
  retry: z.array(revision).default([]),
});
export type Control = z.infer<typeof controlSchema>;

/** A checker for a flat shape written in `contract.json` as `field → type`, a trailing `?` meaning optional. */
function flatShape(fields: Record<string, string>): z.ZodType {
  const enumerations: Record<string, string[]> = { outcome: contract.outcome, stage: contract.stage };
  const shape = Object.entries(fields).map(([name, written]) => {
    const type = written.replace(/\?$/, "");
    const schema = type === "string" ? z.string() : type === "boolean" ? z.boolean() : z.enum(enumerations[type] ?? []);
    return [name, written.endsWith("?") ? schema.optional() : schema] as const;
  });
  return z.strictObject(Object.fromEntries(shape));
}

/** Checks a report as a VM wrote it; a VM may write anything. */
export const reportSchema = flatShape(contract.report.fields) as z.ZodType<Report>;

const { prefix, separator, control } = contract.projectMetadata;

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

/** The address of a bucket of Cloud Storage, as a VM reads it. */
export function bucketUrl(bucket: string): string {
  return `${contract.cache.storage}/${bucket}`;
}

/** Where in a cache the manifest of a revision lies: JSON, `{ host: store path }`. */
export function manifestPath(revision: string): string {
  return `${contract.cache.manifests}/${revision}.json`;
}

/** A revision as people read it. */
export function short(revision: string): string {
  return revision.slice(0, 7);
}
