/** The value of a VM's metadata key `nixos-fleet`. */
import type { Follow } from "./contract";
import { contract } from "./contract";
import {
  isBoolean,
  isNumber,
  isString,
  listOf,
  objectOf,
  oneOf,
  objectsIn,
  parseShape,
  recordOf,
  unknownFields,
  withoutNulls,
  type Parsed,
  type Shape,
} from "./text/json";

/** The user of a home. nix/modules/types.nix takes the same. The name is part of file names and units, where a dot begins a suffix. */
export const userNamePattern = /^[a-z_][a-z0-9_-]{0,31}$/;

/** A home that a VM keeps: its user, its repository and its `homeConfigurations` attribute. */
export interface Home {
  user: string;
  /** The home's own repository; by default homes live in the config repository. */
  repository?: string;
  branch?: string;
  attribute: string;
  /** Like `deployKeySecret` of the VM, but for the home's own repository. */
  deployKeySecret?: string;
}

/** The cache from which a VM fetches what was built for it. */
export interface Cache {
  /** Its address. An address under `contract.cache.storage` is a private bucket, which the VM reads with its own account. */
  url: string;
  /** In the format of Nix public keys, `NAME:BASE64`. */
  publicKey: string;
}

export interface InstanceMetadata {
  /** The version of these shapes that the program speaks; absent means 1. Agents send newer fields only to programs that know them. */
  contract?: number;
  fleet: string;
  stack: string;
  /** `nixosConfigurations.<host>` of the config repository. */
  host: string;
  /** Absent if the fleet has no waves. */
  wave?: string;
  repository: string;
  branch: string;
  /** The folder of the repository that contains the flake and its lock; absent for the top. */
  subdirectory?: string;
  /** The path of the clone for people, `/etc/nixos` by default. */
  directory: string;
  follow: Follow;
  /**
   * The repository's credential in Secret Manager: `projects/P/secrets/S`, of which the latest version counts. It is an SSH private key if
   * the repository is reached by SSH, and a token if it is reached by https.
   */
  deployKeySecret?: string;
  /** The same for the inputs of the flake: a secret by host or URL, `HOST`, `HOST/PATH`, `https://HOST/PATH` or `ssh://USER@HOST/PATH`. */
  deployKeys?: Record<string, string>;
  knownHosts?: string;
  signers?: string;
  /** Whether the VM's wave allows the reboot that an update needs; absent if only the VM's own settings decide. */
  reboot?: "required";
  /** How many seconds logged-in users may delay such a reboot; absent means without limit. */
  rebootDeadline?: number;
  /** The number of parts in which the VM's wave activates a revision, one after the other; absent means all at once. */
  turns?: number;
  homes: Home[];
  cache?: Cache;
  /** Whether the agent logs the results of its updates and a regular heartbeat to Cloud Logging. */
  monitoring?: boolean;
}

/** The item as read: the fleet's name is present, and the machine's own settings supply whatever else is missing. */
export type ReadInstance = Pick<InstanceMetadata, "fleet" | "stack"> & Partial<InstanceMetadata>;

const homeShape: Shape = {
  user: isString,
  "attribute?": isString,
  "repository?": isString,
  "branch?": isString,
  "deployKeySecret?": isString,
};

const shape: Shape = {
  "contract?": isNumber,
  fleet: isString,
  stack: isString,
  "host?": isString,
  "wave?": isString,
  "repository?": isString,
  "branch?": isString,
  "subdirectory?": isString,
  "directory?": isString,
  "follow?": oneOf(contract.follow),
  "deployKeySecret?": isString,
  "deployKeys?": recordOf(isString),
  "knownHosts?": isString,
  "signers?": isString,
  "reboot?": oneOf(contract.reboot),
  "rebootDeadline?": isNumber,
  "turns?": isNumber,
  "homes?": listOf(objectOf(homeShape)),
  "cache?": objectOf({ url: isString, publicKey: isString }),
  "monitoring?": isBoolean,
};

/** Reads the item. A field of the wrong type makes the whole item unreadable, since its meaning is then uncertain. */
export function parseInstanceMetadata(text: string): Parsed<ReadInstance> {
  const read = parseShape(text, shape);
  if (!read.ok) return read;
  const homes = objectsIn(read.value["homes"]);
  const value = { ...read.value, ...("homes" in read.value ? { homes: homes.map(homeOf) } : {}) };
  const unknown = homes.flatMap((home, index) => unknownFields(home, homeShape, `homes[${index}].`));
  return { ok: true, value: value as unknown as ReadInstance, unknown: [...read.unknown, ...unknown] };
}

/** The default of a home's attribute is its user's name. */
function homeOf(written: Record<string, unknown>): Home {
  const home = withoutNulls(written);
  return { attribute: home["user"], ...home } as unknown as Home;
}

/** The homes, one for each user: the first that is listed. */
export function distinctHomes<H extends Pick<Home, "user">>(homes: readonly H[]): { homes: H[]; repeated: string[] } {
  const first = homes.filter(({ user }, index) => homes.findIndex((home) => home.user === user) === index);
  const repeated = homes.filter((home) => !first.includes(home)).map(({ user }) => user);
  return { homes: first, repeated: [...new Set(repeated)] };
}

/** Whether the readers of this VM's reports know the second version's fields. */
export function speaksSecondContract(instance: Pick<InstanceMetadata, "contract"> | undefined): boolean {
  return (instance?.contract ?? 1) >= 2;
}
