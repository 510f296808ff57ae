/** What the doctor judges, and how its checks end. */
import type { FlakeNames } from "../../rules/flake-names";
import type { Instance } from "../google/compute";
import type { StackSettings } from "../stack";
import type { FleetStatus } from "../status/status";
import { firstOf, oneLine } from "../../rules/text/text";

export type Verdict = "ok" | "warn" | "fail";

/** One check's end. */
export interface Finding {
  check: string;
  verdict: Verdict;
  /** What is so, in one line. */
  text: string;
  /** What to do about it; null if there is nothing to do. */
  todo: string | null;
}

/** What was asked for, or why it could not be had. */
export type Result<T> = { value: T } | { problem: string };

/** What was found out. What is undefined was not asked for, since something before it failed or the fleet does not use it. */
export interface Facts {
  /** Versions by program. */
  tools: Record<string, Result<string>>;
  stack: Result<string>;
  /** A line for each mistake of the stack's settings. */
  mistakes: string[];
  /** Why Pulumi cannot read them. */
  unread?: string | undefined;
  /** Whether the stack has no setting of the fleet: the program's own arguments are its settings. */
  argumentsOnly?: boolean | undefined;
  settings?: StackSettings | undefined;
  /** The variable that names the project for the other commands. */
  environmentProject?: { name: string; value?: string | undefined } | undefined;
  /** Whose they are. */
  credentials?: Result<string> | undefined;
  project?: Result<string> | undefined;
  /** The project's metadata, by key. */
  projectMetadata?: Readonly<Record<string, string>> | undefined;
  servicesOff?: Result<string[]> | undefined;
  /** What the caller may not do to the project and has to: see `changePermissions`. */
  permissionsMissing?: Result<string[]> | undefined;
  /** A line for each region, zone and machine type of the settings that Google does not have. */
  unoffered?: Result<string[]> | undefined;
  /** A line for each image that does not exist, of VMs that do not exist yet. */
  imagesMissing?: Result<string[]> | undefined;
  /** The branch's head, a full revision. */
  head?: Result<string> | undefined;
  /** The text of its flake.lock; undefined if it has none. */
  lock?: Result<string | undefined> | undefined;
  /** The systems and homes that the branch's head has. */
  flake?: Result<FlakeNames> | undefined;
  /** The same of the repositories that homes come from besides, as far as they could be read. */
  ownHomes?: OwnRepository[] | undefined;
  instances?: Result<Instance[]> | undefined;
  status?: Result<FleetStatus> | undefined;
  /** The home disks that exist and have a snapshot taken each day. */
  snapshotDisks?: Result<SnapshotDisk[]> | undefined;
  /** Where SSH did not answer, and why. */
  unreachable?: Record<string, string> | undefined;
}

/** A disk that has snapshots. */
export interface SnapshotDisk {
  name: string;
  /** RFC 3339. */
  createdAt: string;
  /** When its newest snapshot was taken; undefined if that is longer ago than `withoutSnapshot`. */
  newest?: string | undefined;
}

/** A repository that homes come from besides the config repository. */
export interface OwnRepository {
  repository: string;
  branch: string;
  /** Its `homeConfigurations`; undefined if its head can be read and there is no nix to look into it. */
  homes: Result<string[] | undefined>;
}

/** VMs in one line, at most. */
const named = 10;

/** What is judged of a result; a problem is a failure, or what `otherwise` makes of it. */
export function checkResult<T>(
  check: string,
  result: Result<T> | undefined,
  judged: (value: T) => Finding[],
  todo: string,
  otherwise = fail,
): Finding[] {
  if (result === undefined) return [];
  return "problem" in result ? otherwise(check, result.problem, todo) : judged(result.value);
}

/** One finding about all of these, or none. */
export function listed(all: readonly string[], make: (text: string) => Finding[]): Finding[] {
  return all.length === 0 ? [] : make(firstOf(all, named));
}

function finding(check: string, verdict: Verdict, text: string, todo: string | null): Finding[] {
  return [{ check, verdict, text: oneLine(text, 600), todo }];
}
export const ok = (check: string, text: string) => finding(check, "ok", text, null);
export const warn = (check: string, text: string, todo: string) => finding(check, "warn", text, todo);
export const fail = (check: string, text: string, todo: string) => finding(check, "fail", text, todo);
