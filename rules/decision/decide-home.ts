/** Decides what a home's agent does now: a pure function of what is known. */
import { short } from "../contract";
import { act, deployedOf, held, originChange, refusalOf, stay, type Decision, type Target } from "./decision";
import type { AgentState } from "../agent-state";
import type { HomeEntry } from "./decide-system";
import { builtAs } from "./flake-place";
import { isRevision, withoutNulls } from "../text/json";
import type { Right } from "./run-right";

/** What root wrote after the machine's last good update: what homes may run. Any field may be missing or wrong. */
export interface HomesFile {
  /** The revision that the machine runs, and its lock's digest. */
  revision?: string;
  lock?: string;
  /** The machine's mirror of the config repository. */
  mirror?: string;
  /** The folder of the config repository that contains its flake; absent for the top. */
  subdirectory?: string;
  at?: string;
  /** Revisions that may be tried again although they failed. */
  retry?: string[];
  homes?: HomeEntry[];
  knownHosts?: string;
  /**
   * Where the machine's run was allowed to go. A run of a home that this file starts goes no further. Absent from older agents: anywhere.
   */
  right?: Right;
  /** What holds the machine, such as `held by carol: demo at 3`; it holds the machine's homes too. Older agents do not write it. */
  held?: string;
}

export interface HomeInput {
  user: string;
  homes: HomesFile | null;
  /** Whether the machine has no agent, so that nothing says what homes may run. */
  alone: boolean;
  /** What the home's own module says. */
  settings: Partial<HomeSettings>;
  state: AgentState;
  localHold: { by?: string; why?: string } | null;
  right: Right;
  wanted?: string | undefined;
  force: boolean;
  /** Whether the home's user asks for the run. */
  person?: boolean;
  drifted: boolean;
  head?: string | undefined;
  descends?: boolean | undefined;
}

export interface HomeSettings extends Record<string, unknown> {
  attribute: string;
  branch: string;
  repository?: string;
  /** The folder that contains the flake; absent for the repository's top. A home's own repository has its flake at the top. */
  subdirectory?: string;
  deployKeySecret?: string;
  knownHosts?: string;
  approved?: { revision?: string; lock?: string };
  approval?: { revision: string; lock: string };
}

export interface HomeDecision extends Decision {
  settings: HomeSettings;
  /** The revisions that may be tried again although they failed. */
  retry: string[];
}

type Choice =
  | { kind: "target"; target: Target; why: string }
  | { kind: "none"; why: string }
  | { kind: "idle"; why: string }
  | { kind: "need head"; why: string }
  | { kind: "need descent"; revision: string; deployed: string; why: string };

export function decideHome(input: HomeInput): HomeDecision {
  const settings = resolveSettings(input);
  const decision = decide(input, settings);
  const approved = decision.approved ?? input.state.approved;
  return { ...decision, ...(approved === undefined ? {} : { approved }), settings, retry: input.homes?.retry ?? [] };
}

function resolveSettings({ homes, user, settings }: HomeInput): HomeSettings {
  const { user: _user, ...entry } = homes?.homes?.find((home) => home.user === user) ?? { user };
  const knownHosts = homes?.knownHosts ?? "";
  const own = { ...withoutNulls(settings), ...withoutNulls(entry) }["repository"] !== undefined;
  return {
    attribute: user,
    branch: "main",
    // A home that is handed a key has to know whom to show it to, before there is a home that says so.
    ...("deployKeySecret" in entry && knownHosts !== "" ? { knownHosts } : {}),
    ...withoutNulls(settings),
    ...withoutNulls(entry),
    ...(own || homes?.subdirectory === undefined ? {} : { subdirectory: homes.subdirectory }),
  };
}

function decide(input: HomeInput, settings: HomeSettings): Decision {
  if (input.localHold !== null) return held(input.localHold);
  const machines = input.homes?.held;
  if (machines !== undefined) return stay("held", `the machine is ${typeof machines === "string" ? machines : "held"}`);
  const choice = chooseTarget(input, settings);
  switch (choice.kind) {
    case "none":
      return stay("deferred", choice.why);
    case "idle":
      return { ...stay("unchanged", choice.why), nothingApproved: true };
    case "need head":
      return { ...stay("deferred", choice.why), need: { kind: "head", branch: settings.branch } };
    case "need descent":
      return {
        ...stay("unchanged", choice.why),
        need: { kind: "descent", revision: choice.revision, deployed: choice.deployed },
      };
    case "target":
      return actOn(choice.target, choice.why, input, settings);
  }
}

/**
 * A home without its own repository runs the machine's revision. A home with its own repository runs what is approved for it if only an
 * approval may move it, otherwise the head of its branch.
 */
function chooseTarget(input: HomeInput, settings: HomeSettings): Choice {
  const { homes, alone, wanted, right, head, force } = input;
  const { repository, branch, approved } = settings;
  if (wanted !== undefined) return target(wanted, "person", `asked for ${short(wanted)}`);
  if (repository === undefined) {
    const revision = homes?.revision;
    return isRevision(revision) === undefined && revision !== undefined
      ? target(revision, "machine", `the machine runs ${short(revision)}`, homes?.lock)
      : { kind: "none", why: "the machine has not been updated since it booted" };
  }
  if (approved !== undefined) {
    const { revision, lock } = approved;
    return isRevision(revision) === undefined && revision !== undefined
      ? target(revision, "approval", `${short(revision)} is approved`, lock)
      : { kind: "none", why: `no revision of ${repository} is approved for this machine` };
  }
  // The machine may have said, before its boot, that only an approval moves this home.
  if (homes === null && !alone && !force)
    return {
      kind: "none",
      why: "the machine has not said since it booted what homes may run (run --force does not wait for it)",
    };
  if (right === "approved") return approvedOnly(input, settings);
  if (head === undefined) return { kind: "need head", why: `branch ${branch} is not known` };
  return {
    kind: "target",
    target: { revision: head, source: "branch", explicit: false, urgent: false },
    why: `branch ${branch} is at ${short(head)}`,
  };
}

/** A run that may not go to the branch's head goes to the approved revision, but never back to it from a descendant. */
function approvedOnly({ state, descends }: HomeInput, { approval, branch }: HomeSettings): Choice {
  if (approval === undefined)
    return { kind: "idle", why: `goes to branch ${branch} at the next boot, on its schedule or on a person's run` };
  const { revision, lock } = approval;
  const why = `${short(revision)} is approved`;
  const deployed = deployedOf(state);
  if (deployed === undefined || deployed === revision || descends === false)
    return target(revision, "approval", why, lock);
  if (descends === undefined) return { kind: "need descent", revision, deployed, why };
  return target(deployed, "deployed", `${why}; ahead of it`);
}

function target(revision: string, source: Target["source"], why: string, lock?: string): Choice {
  const target = { revision, source, ...(lock === undefined ? {} : { lock }), explicit: true, urgent: false };
  return { kind: "target", target, why };
}

function actOn(
  target: Target,
  why: string,
  { state, homes, drifted, force, person = false }: HomeInput,
  settings: HomeSettings,
): Decision {
  const origin = {
    repository: settings.repository ?? homes?.mirror,
    attribute: builtAs(settings.subdirectory, settings.attribute),
  };
  // The first revision from another repository has no ancestor there.
  const moved =
    settings.repository !== undefined && state.repository !== undefined && state.repository !== settings.repository;
  const decision = act(state, { ...target, explicit: target.explicit || moved }, why, {
    running: "so does this home",
    drifted,
    change: originChange(state, origin),
    // The cause of a failure may be in the user's own home, and only the user knows when it is gone.
    refusal: refusalOf(state, target.revision, origin, { force: force || person, retry: homes?.retry ?? [] }),
  });
  return { ...decision, approved: target.revision };
}
