/** The decision about an update, for the system and for a home. */
import { short, type Outcome, type Stage } from "../contract";
import { isRevision } from "../text/json";
import type { AgentState, Refusal } from "../agent-state";
import { same, type Waiting } from "../report";
import { flat } from "../text/text";

/** Why a revision is the target. `deployed`: it runs already, and stays. */
export type TargetSource = "person" | "pin" | "override" | "approval" | "branch" | "deployed" | "machine";

/** The revision that should run. */
export interface Target {
  revision: string;
  source: TargetSource;
  /** SHA-256 (hex) of its `flake.lock`, if an approval names it. */
  lock?: string;
  manifest?: { url: string; sha256: string };
  /**
   * Whether it may be anywhere in the history, because it is approved or a person named it. A branch's head must descend from what is
   * deployed.
   */
  explicit: boolean;
  /** Whether the update ignores windows and pauses. */
  urgent: boolean;
}

/**
 * What the caller must find out before the decision can be made. The caller then decides again with `head` or `descends`. If git cannot
 * answer, the run has failed at `fetch`: unknown is not "no".
 */
type Need =
  | { kind: "head"; branch: string }
  /** Whether `deployed` descends from `revision`. */
  | { kind: "descent"; revision: string; deployed: string };

export interface Decision {
  action: "stay" | "update";
  /** How the run ends if `action` is the only thing that happens. */
  outcome: Outcome;
  /** Why, in one line. */
  reason: string;
  need?: Need;
  target?: Target;
  /** The failure that still applies, if `outcome` is `failed`. */
  stage?: Stage;
  error?: string;
  rolledBack: boolean;
  waiting?: Waiting;
  /** Whether the obstacle is transient, so that the agent retries with backoff. */
  transient: boolean;
  /** Whether the run may go only to an approved revision and nothing is approved: `trigger` then fails. */
  nothingApproved: boolean;
  /** The approval (full revision) that has been acted on, this one included. */
  approved?: string;
}

/** A text that a person wrote, on one line and cut to a number of characters: a run has to report it. */
function bounded(text: string, most: number): string {
  const characters = Array.from(flat(text));
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : characters.join("");
}

export function stay(outcome: Outcome, reason: string): Decision {
  return { action: "stay", outcome, reason, rolledBack: false, transient: false, nothingApproved: false };
}

/** @param how the text begins */
export function held({ by, why }: { by?: unknown; why?: unknown }, how = "held"): Decision {
  const who = typeof by === "string" && by !== "" ? by : "someone";
  const text = typeof why === "string" && why !== "" ? `: ${bounded(why, 300)}` : "";
  return stay("held", `${how} by ${bounded(who, 100)}${text}`);
}

/** The message about a revision that failed here before. What runs is still what that failure left. */
export function refuse(why: string, { stage, at, error, rolledBack }: Refusal): Decision {
  return {
    ...stay("failed", `${why}; refused: ${stage ?? "the update"} failed before`),
    ...(stage === undefined ? {} : { stage }),
    error: `refused, because it failed before (${at}):\n${error}`,
    rolledBack,
  };
}

/** The source and the attribute of a build: a change of either needs a new deployment. */
export interface Origin {
  repository?: string | undefined;
  /** The host or the home's attribute. */
  attribute?: string | undefined;
}

/** What has changed in the source since the deployed revision was built; undefined if nothing changed or the source was not recorded. */
export function originChange(state: AgentState, { repository, attribute }: Origin): string | undefined {
  if (state.attribute !== undefined && attribute !== undefined && state.attribute !== attribute)
    return `it was built as ${state.attribute}, and is ${attribute} now`;
  if (state.repository !== undefined && repository !== undefined && state.repository !== repository)
    return `it came from ${state.repository}, and its repository is ${repository} now`;
  return undefined;
}

/** The refusal of a revision that still applies; undefined if the revision may be tried. */
export function refusalOf(
  state: AgentState,
  revision: string | undefined,
  { repository, attribute }: Origin,
  { force, retry }: { force: boolean; retry: readonly string[] },
): Refusal | undefined {
  if (revision === undefined || force || retry.includes(revision)) return undefined;
  return state.refused?.find(
    (one) =>
      one.revision === revision &&
      (one.repository === undefined || repository === undefined || one.repository === repository) &&
      (one.attribute === undefined || attribute === undefined || one.attribute === attribute),
  );
}

/** The deployed revision, if the state names one. */
export function deployedOf({ revision }: AgentState): string | undefined {
  return isRevision(revision) === undefined ? revision : undefined;
}

/**
 * Whether a target may be a commit that no branch of the repository contains: a person on the machine named it, or it ran here before a
 * forced push removed it.
 */
export function mayBeOnNoBranch({ revision, source }: Target, { revision: deployed, previous }: AgentState): boolean {
  return source === "person" || revision === deployed || revision === previous;
}

export function deployedText(state: AgentState): string {
  const deployed = deployedOf(state);
  return deployed === undefined ? "nothing deployed" : `deployed ${short(deployed)}`;
}

/** Decides what to do about a target. */
export function act(
  state: AgentState,
  target: Target,
  why: string,
  {
    running,
    drifted,
    change,
    refusal,
  }: { running: string; drifted: boolean; change?: string | undefined; refusal?: Refusal | undefined },
): Decision {
  const isCurrent = deployedOf(state) === target.revision && !drifted && change === undefined;
  if (isCurrent) return { ...stay("unchanged", `${why}; ${running}`), target };
  if (refusal !== undefined) return { ...refuse(why, refusal), target };
  const because = change ?? deployedText(state);
  return { ...stay("updated", `${why}; ${because}`), action: "update", target };
}

/** Whether a later decision asks for the same update as an earlier one: the same revision from the same source, by the same settings. */
export function isSameUpdate<D extends Decision & { settings: object }>(earlier: D, later: D): boolean {
  return earlier.action === later.action && same([earlier.target, earlier.settings], [later.target, later.settings]);
}
