/** The interface between the engine and its two drivers, for the system and for a home. */
import type { FailureCause } from "../rules/decision/failure";
import type { Decision } from "../rules/decision/decision";
import type { AgentState, Reachable } from "../rules/agent-state";
import type { Stage } from "../rules/contract";
import type { Waiting } from "../rules/report";
import type { Right } from "../rules/decision/run-right";
import type { Program } from "./host/log";
import type { Mirror, Origin } from "./git/mirror";
import type { Before, Passing, Trial } from "./state";
import type { RepositoryKey } from "./credentials/repository-keys";
import type { Manager } from "./host/systemd";
import type { Ending } from "./ending";

/** The names and paths of an agent: its service, lock, state, mirror and profile. */
export interface Place {
  program: Program;
  /** The update's unit, without its suffix. */
  service: string;
  manager: Manager;
  stateFolder: string;
  runFolder: string;
  lockFile: string;
  mirror: Mirror;
  profile: string;
  /** Path of the settings in a built system or home. */
  settingsPath: string;
}

/** What a run should do. */
export interface RunRequest {
  /** The revision that a person named. */
  wanted?: string | undefined;
  /** Tries a refused revision again. */
  force: boolean;
  /** Arranges no retry. */
  once: boolean;
  /** Changes nothing. */
  dry: boolean;
  right: Right;
  /** Whether a person on the machine requested it. */
  person: boolean;
  /** Whether the network may not be up yet. */
  patient: boolean;
  /** Called when a stage begins, with the revision that the stage handles. */
  stage: (name: string, revision?: string) => void;
}

/** A run that changes nothing and may go only to an approved revision. Other requests override its fields. */
export const dryRequest: RunRequest = {
  force: false,
  once: true,
  dry: true,
  right: "approved",
  person: false,
  patient: false,
  stage: () => undefined,
};

/** What the engine looked up because a decision needed it. */
export interface Found {
  head?: string;
  descends?: boolean;
}

/** The part of a decision's inputs that the engine reads. */
export interface Situation {
  state: AgentState;
  /** The store path that runs; empty if none does. */
  current: string;
}

/** The settings that a system and a home share. */
export interface CommonSettings extends Record<string, unknown> {
  repository?: string;
  branch: string;
  subdirectory?: string;
  signers?: string;
}

export interface CommonDecision extends Decision {
  settings: CommonSettings;
  /** Revisions that an operator wants to retry. */
  retry: readonly string[];
  notes?: string[];
}

/** How a switch went. `unchanged`: it failed before it changed anything. */
export type Switched =
  | { kind: "done" }
  /** It runs only after a reboot. */
  | { kind: "needs reboot" }
  | FailedSwitch;

export interface FailedSwitch {
  kind: "failed";
  error: string;
  passes?: Passing;
  unchanged?: true;
}

/** Why an update waits, and when the agent retries it, if that is known. */
export interface Deferral {
  why: string;
  waiting: Waiting;
  until?: Date;
}

/** Why what runs is unhealthy. `lost`: all is well except that this does not answer any more. */
export interface HealthError {
  error: string;
  lost?: Reachable;
}

export interface RolledBack {
  ok: boolean;
  error?: string;
  /** Nothing was deployed before, so a later run cannot do better. */
  hopeless?: boolean;
  /** The next boot starts what ran before, and nothing earlier does. */
  awaitsBoot?: boolean;
}

export interface Driver<S extends Situation = Situation, D extends CommonDecision = CommonDecision> {
  readonly place: Place;
  /** Makes the folders that contain everything else. @throws if they cannot be made */
  prepare(): void;
  look(request: RunRequest): Promise<S>;
  decide(situation: S, request: RunRequest, found: Found): D;
  /** The URL to fetch from; empty if none is set. */
  repository(decision: D): string;
  /** The name of the built output: the host's or the home's name in the flake, with the flake's folder if that is not the top. */
  attributeName(decision: D): string;
  /** The URL to fetch from, with its credential. */
  origin(decision: D): Promise<Origin>;
  /** The keys and tokens for the inputs of the flake. */
  repositoryKeys(decision: D): Promise<RepositoryKey[]>;
  /** Why there is no key or token although there should be one. */
  credentialError(): string | undefined;
  /** The flake's attribute to build. */
  attribute(decision: D): string;
  /** Which of a person's work is in the way. */
  obstacle(decision: D, request: RunRequest): Promise<string | undefined>;
  /** What an activation must wait for that comes by itself, and soon. */
  comesFirst?(request: RunRequest): Promise<string | undefined>;
  /** Why the built store path may not be activated. */
  refusal(path: string, decision: D): Promise<string | undefined>;
  /** Why the new agent does not work here. @throws UpdateFailure if that is unknown now */
  agentError(path: string): Promise<string | undefined>;
  /** Whether its lock is the machine's lock, if that is required. */
  lockMatches(decision: D): Promise<boolean | undefined>;
  /** Whether the store path runs already and will run after a reboot. */
  isCurrent(path: string): boolean;
  /** Identifies the boot for which a switch counts. */
  boot(): string;
  /** Whether a boot has started it. */
  cameUp(path: string): boolean;
  /** Whether a boot should have started it and started another one. */
  bootedAnother?(path: string): boolean;
  current(): string;
  /** What is active although the profile does not name it, and so runs again after a rollback. */
  linked?(): string | undefined;
  /** @throws UpdateFailure if that is not known now */
  mode(path: string): Promise<Trial["mode"]>;
  needsReboot(ending: Ending): Promise<boolean>;
  /** Whether what runs is complete only after a boot, and so is on trial until then. */
  awaitsBoot?(path: string): boolean;
  /** Why the built store path is not activated yet. */
  postponed?(decision: D, request: RunRequest, situation: S): Deferral | undefined;
  /** What a finished update still waits for. */
  waitsFor?(decision: D, ending: Ending): Promise<Waiting | undefined>;
  /** What runs after the next boot, if that differs from what runs now. */
  pending?(): { revision: string; toplevel: string } | undefined;
  /** Switches now. Leaves what the next boot starts unchanged, unless it waits for that boot. */
  activate(path: string, mode: Trial["mode"], trial: Trial): Promise<Switched>;
  /** Makes the next boot start it too. */
  keep(path: string): Promise<Switched>;
  /** Undoes that if it was only begun. */
  revertProfile(path: string): Promise<void>;
  healthBefore(decision: D): Promise<Before>;
  healthError(trial: Trial, decision: D): Promise<HealthError | undefined>;
  /** Whether what seemed to be lost answers within a time limit. */
  reachesAgain?(what: Reachable, decision: D): Promise<boolean>;
  rollBack(trial: Trial, decision: D, unchanged: boolean): Promise<RolledBack>;
  /** After the state is written: publishes it and passes on what others wait for. */
  concluded(conclusion: Conclusion<S, D>): Promise<{ retry?: string }>;
}

/** An attempted update: what it began with, and how it ended. */
export interface Attempt<S, D> {
  situation: S;
  decision: D;
  ending: Ending;
}

export interface Conclusion<S, D> extends Attempt<S, D> {
  request: RunRequest;
  state: AgentState;
}

/** A step of an update that failed. */
export class UpdateFailure extends Error {
  constructor(
    readonly stage: Stage,
    message: string,
    override readonly cause: FailureCause,
    /** Whether the revision must not be retried. */
    readonly refuse = false,
  ) {
    super(message);
  }
}
