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

/** Where a VM finds what was built for it. */
export interface Cache {
  /** Its address; under `contract.cache.storage` a private bucket, which the VM reads with its own account. */
  url: string;
  /** As Nix writes public keys, `NAME:BASE64`. */
  publicKey: string;
}

export interface InstanceMetadata {
  /** Which version of these shapes the program speaks; absent means 1. Agents send newer fields only to those who know them. */
  contract?: number;
  fleet: string;
  stack: string;
  /** `nixosConfigurations.<host>` of the config repository. */
  host: string;
  /** Absent where the fleet has no waves. */
  wave?: string;
  repository: string;
  branch: string;
  /** The folder of the repository that the flake and its lock are in; absent for the top. */
  subdirectory?: string;
  /** Where the clone for people lives, `/etc/nixos` by default. */
  directory: string;
  follow: Follow;
  /**
   * What the repository asks for, in Secret Manager: `projects/P/secrets/S`, of which the latest version counts. An SSH private key
   * where the repository is reached by SSH, a token where it is by https.
   */
  deployKeySecret?: string;
  /** The same for the inputs of the flake: a secret by host or URL, `HOST`, `HOST/PATH`, `https://HOST/PATH` or `ssh://USER@HOST/PATH`. */
  deployKeys?: Record<string, string>;
  knownHosts?: string;
  signers?: string;
  /** Whether the VM's wave allows the reboot that an update needs; absent where only the VM's own settings do. */
  reboot?: "required";
  /** Seconds for which people who are logged in may put such a reboot off; absent means without limit. */
  rebootDeadline?: number;
  /** In how many parts the VM's wave activates a revision, one after the other; absent means all at once. */
  turns?: number;
  homes: Home[];
  cache?: Cache;
  /** Whether the agent tells Cloud Logging how its updates end, and once in a while that it is there. */
  monitoring?: boolean;
}

/** The item as read: the fleet's name is there, and what else is missing is left to the machine's own settings. */
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

/** Reads the item. A field of the wrong type makes all of it unreadable, since nobody knows what the whole would have said. */
export function parseInstanceMetadata(text: string): Parsed<ReadInstance> {
  const read = parseShape(text, shape);
  if (!read.ok) return read;
  const homes = objectsIn(read.value["homes"]);
  const value = { ...read.value, ...("homes" in read.value ? { homes: homes.map(homeOf) } : {}) };
  const unknown = homes.flatMap((home, index) => unknownFields(home, homeShape, `homes[${index}].`));
  return { ok: true, value: value as unknown as ReadInstance, unknown: [...read.unknown, ...unknown] };
}

/** A home whose attribute is not named is its user's. */
function homeOf(written: Record<string, unknown>): Home {
  const home = withoutNulls(written);
  return { attribute: home["user"], ...home } as unknown as Home;
}

/** The homes, of which each user has one: the first that is listed. */
export function distinctHomes<H extends Pick<Home, "user">>(homes: readonly H[]): { homes: H[]; repeated: string[] } {
  const first = homes.filter(({ user }, index) => homes.findIndex((home) => home.user === user) === index);
  const repeated = homes.filter((home) => !first.includes(home)).map(({ user }) => user);
  return { homes: first, repeated: [...new Set(repeated)] };
}

/** Whether those who read this VM's reports know the second version's fields. */
export function speaksSecondContract(instance: Pick<InstanceMetadata, "contract"> | undefined): boolean {
  return (instance?.contract ?? 1) >= 2;
}
