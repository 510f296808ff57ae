/** The shapes that the local cloud stores: resources as the Compute API shows them, and a little bookkeeping. */
import { fingerprintOf } from "./json";

/** Any Compute resource. Other fields belong to its collection. */
export interface Resource {
  kind: string;
  /** Decimal digits, as Compute writes 64-bit numbers. */
  id: string;
  name: string;
  /** RFC 3339. */
  creationTimestamp: string;
  selfLink: string;
  [field: string]: unknown;
}

export interface MetadataItem {
  key: string;
  value: string;
}

export interface Metadata {
  kind: "compute#metadata";
  fingerprint: string;
  items?: MetadataItem[];
}

export type InstanceStatus = "PROVISIONING" | "STAGING" | "RUNNING" | "STOPPING" | "TERMINATED";

export interface AttachedDisk {
  kind: "compute#attachedDisk";
  type: "PERSISTENT";
  mode: string;
  /** Self link of the disk. */
  source: string;
  deviceName: string;
  index: number;
  boot: boolean;
  autoDelete: boolean;
  interface: string;
  diskSizeGb: string;
  [field: string]: unknown;
}

export interface NetworkInterface {
  kind: "compute#networkInterface";
  name: string;
  network: string;
  subnetwork: string;
  networkIP: string;
  fingerprint: string;
  stackType: string;
  accessConfigs?: unknown[];
  [field: string]: unknown;
}

export interface ServiceAccount {
  email: string;
  scopes: string[];
}

export interface Instance extends Resource {
  status: InstanceStatus;
  zone: string;
  machineType: string;
  tags: { items?: string[]; fingerprint: string };
  labels?: Record<string, string>;
  labelFingerprint: string;
  metadata: Metadata;
  disks: AttachedDisk[];
  networkInterfaces: NetworkInterface[];
  serviceAccounts?: ServiceAccount[];
  deletionProtection: boolean;
  hostname?: string;
  lastStartTimestamp?: string;
  lastStopTimestamp?: string;
}

/** Compute's operation: the answer to every write. */
export interface Operation {
  kind: "compute#operation";
  id: string;
  name: string;
  operationType: string;
  targetLink: string;
  targetId: string;
  status: "RUNNING" | "DONE";
  user: string;
  progress: number;
  insertTime: string;
  startTime: string;
  endTime?: string;
  selfLink: string;
  zone?: string;
  region?: string;
  error?: { errors: { code: string; message: string }[] };
  httpErrorStatusCode?: number;
  httpErrorMessage?: string;
}

/** A service account as IAM shows it. */
export interface ServiceAccountResource {
  name: string;
  email: string;
  projectId: string;
  uniqueId: string;
  displayName: string;
}

/** A custom role as IAM shows it. */
export interface RoleResource {
  name: string;
  title: string;
  description: string;
  includedPermissions: string[];
  stage: string;
  /** RFC 3339; absent if the role is not deleted. */
  deletedAt?: string;
}

/** A secret, and the content of its versions, the first one first. */
export interface SecretResource {
  /** RFC 3339. */
  createTime: string;
  replication: unknown;
  labels: Record<string, string>;
  versions: SecretVersionResource[];
}

export interface SecretVersionResource {
  /** RFC 3339. */
  createTime: string;
  state: "ENABLED" | "DISABLED" | "DESTROYED";
  /** Base64; empty if the version is destroyed. */
  data: string;
}

/** An entry of a log as Cloud Logging shows it. */
export interface LogEntry {
  logName: string;
  /** RFC 3339. */
  timestamp: string;
  labels: Record<string, string>;
  [field: string]: unknown;
}

/** An object of Cloud Storage, as its JSON API shows it. */
export interface StoredObject {
  kind: "storage#object";
  bucket: string;
  name: string;
  /** Bytes, in decimal digits. */
  size: string;
  /** Base64. */
  md5Hash: string;
  contentType: string;
  updated: string;
  generation: string;
}

/** A resource, and what a running operation will do with it. */
export interface Stored {
  resource: Resource;
  /** `insert`: not visible yet, although its name is taken. `delete`: still visible, about to be removed. */
  pending?: "insert" | "delete";
}

/** Everything that a cloud stores. */
export interface CloudState {
  version: 1;
  /** The last number that a resource or operation got. */
  lastId: number;
  project: { name: string; number: string; creationTimestamp: string; metadata: Metadata };
  /** By path below the project, such as `zones/europe-west1-b/instances/dev-alice`. */
  resources: Record<string, Stored>;
  /** By path below the project, such as `global/operations/operation-1`. */
  operations: Record<string, Operation>;
  /** By instance name: `namespace/key` → value. */
  guestAttributes: Record<string, Record<string, string>>;
  /** Service accounts by address, and IAM bindings by the resource's path; absent if there never were any. */
  iam?: {
    accounts: Record<string, ServiceAccountResource>;
    policies: Record<string, Record<string, unknown>[]>;
    /** Custom roles by name, including deleted ones, as IAM keeps them for a while. */
    roles?: Record<string, RoleResource>;
    /** Members such as `user:eve@example.com` that do not exist, for tests; all others do. */
    unknownMembers?: readonly string[];
  };
  /** Secrets by id, and the APIs that are switched on; absent if there never were any. */
  secrets?: Record<string, SecretResource>;
  services?: string[];
  /** Log entries, oldest first; absent if there never were any. */
  logEntries?: LogEntry[];
  /** What Logging and Monitoring store, by path; buckets by name; objects' metadata by `BUCKET/OBJECT`; absent if there never were any. */
  documents?: Record<string, Record<string, unknown>>;
  buckets?: Record<string, Record<string, unknown>>;
  objects?: Record<string, StoredObject>;
  /** Where the API last listened; 0 before the first time. */
  apiPort: number;
  /** By instance name: the loopback port that leads to its SSH server. */
  sshPorts: Record<string, number>;
}

/** The state of an empty cloud. */
export function emptyState(project: string, now: string): CloudState {
  return {
    version: 1,
    lastId: 0,
    project: {
      name: project,
      number: "100000000001",
      creationTimestamp: now,
      metadata: { kind: "compute#metadata", fingerprint: fingerprintOf([]) },
    },
    resources: {},
    operations: {},
    guestAttributes: {},
    apiPort: 0,
    sshPorts: {},
  };
}
