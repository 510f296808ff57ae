/** A wave's approval: the value of a project metadata item that only Pulumi writes. */
import { controlKey, fleetPrefix } from "../contract";
import {
  isBoolean,
  isDigest,
  isRevision,
  isString,
  objectOf,
  own,
  parseShape,
  recordOf,
  type Parsed,
  type Shape,
} from "../text/json";

export interface Approval {
  /** Full git revision of the config repository. */
  revision: string;
  /** SHA-256 (hex) of `flake.lock` at that revision. */
  lock: string;
  /** The source of the revision; absent in an approval of the contract's first version. */
  repository?: string;
  branch?: string;
  /** The folder of the flake; absent for the repository's top. */
  subdirectory?: string;
  /** `<repository>#<branch>` of a home's own repository → what is approved for it. */
  homes?: Record<string, { revision: string; lock: string }>;
  /** The address of the list of store paths that were built for this revision. */
  manifest?: { url: string; sha256: string };
  /** Whether the approval ignores windows and pauses, and why, for people. */
  urgent?: boolean;
  why?: string;
}

const shape: Shape = {
  revision: isRevision,
  lock: isDigest,
  "repository?": isString,
  "branch?": isString,
  "subdirectory?": isString,
  "homes?": recordOf(objectOf({ revision: isRevision, lock: isDigest })),
  "manifest?": objectOf({ url: isString, sha256: isDigest }),
  "urgent?": isBoolean,
  "why?": isString,
};

/** Reads an approval. An approval with any invalid field approves nothing: without its lock, for example, the lock would not be checked. */
export function parseApproval(text: string): Parsed<Approval> {
  return parseShape(text, shape) as Parsed<unknown> as Parsed<Approval>;
}

/** A fleet's approvals, by wave. */
export interface ReadApprovals {
  approvals: Record<string, Approval>;
  /** Wave → what is wrong with its approval, which approves nothing. */
  problems: Record<string, string>;
  /** Unknown fields, as `wave: field`. */
  unknown: string[];
}

/** Reads the approvals of one fleet from the project's metadata. */
export function readApprovals(
  attributes: Readonly<Record<string, string>>,
  fleet: string,
  stack: string,
): ReadApprovals {
  const start = fleetPrefix(fleet, stack);
  const approvals: [string, Approval][] = [];
  const problems: [string, string][] = [];
  const unknown: string[] = [];
  for (const [key, text] of Object.entries(attributes)) {
    if (!key.startsWith(start) || key === controlKey(fleet, stack)) continue;
    const wave = key.slice(start.length);
    const read = parseApproval(text);
    if (read.ok) {
      approvals.push([wave, read.value]);
      unknown.push(...read.unknown.map((field) => `${wave}: ${field}`));
    } else problems.push([wave, read.problem]);
  }
  return { approvals: Object.fromEntries(approvals), problems: Object.fromEntries(problems), unknown };
}

/** The approved revision of a wave; undefined if there is none, null if the approval cannot be read. */
export function approvedRevision(
  { approvals, problems }: ReadApprovals,
  wave: string | undefined,
): string | null | undefined {
  return own(approvals, wave)?.revision ?? (own(problems, wave) === undefined ? undefined : null);
}

/** The waves that are approved for a revision. @param approved wave → revision */
export function wavesOf(approved: Readonly<Record<string, string>>, revision: string): string[] {
  return Object.keys(approved).filter((wave) => own(approved, wave) === revision);
}

/**
 * Whether a rollout is open or halted: the waves are approved for different revisions, or the approval of one of them cannot be read.
 */
export function rolloutOpen({ approvals, problems }: ReadApprovals): boolean {
  const revisions = new Set(Object.values(approvals).map(({ revision }) => revision));
  return revisions.size + (Object.keys(problems).length > 0 ? 1 : 0) > 1;
}

interface HomeSource {
  repository: string;
  branch?: string | undefined;
}

/** The key under which an approval has the revision of a home's own repository. */
export function repositoryKey({ repository, branch = "main" }: HomeSource): string {
  return `${repository}#${branch}`;
}

/** What an approval says of a home's own repository; undefined if it says nothing. */
export function homeApproval(
  approval: Approval | undefined,
  home: HomeSource,
): { revision: string; lock: string } | undefined {
  return own(approval?.homes, repositoryKey(home));
}
