/** What an agent remembers between runs: the file `state.json`, of the system or of a home. */
import { contract, type Outcome, type Stage } from "./contract";
import { isObject, isRevision, own, parseObject, type JsonObject } from "./json";
import type { Report, Waiting } from "./report";
import { logText } from "./text";

/** A revision that failed for a reason of its own and is not tried again unasked. */
export interface Refusal {
  revision: string;
  /** Where it was built from and as what; absent in what older agents remember. Another source or host may well succeed. */
  repository?: string;
  attribute?: string;
  stage?: Stage;
  error: string;
  rolledBack: boolean;
  at: string;
}

/** The state. Absent fields are not known; a state of an agent of another version may have fields that this one leaves out. */
export interface AgentState {
  /** What is deployed: the revision, where it came from, and which host's or home's attribute it was built as. */
  revision?: string;
  repository?: string;
  attribute?: string;
  lock?: string;
  /** The store path that was deployed last; whatever else runs is somebody's doing. */
  deployed?: string;
  /** The revision that was deployed before, for an undo. */
  previous?: string;
  /** The approval that was acted on last. */
  approved?: string;
  lockMatches?: boolean;
  /** The store path that runs. */
  toplevel?: string;
  outcome?: Outcome;
  stage?: Stage;
  error?: string;
  transient?: boolean;
  activation?: "live" | "boot";
  pending?: { revision: string; toplevel: string };
  waiting?: Waiting;
  rolledBack?: boolean;
  rebootRequired?: boolean;
  /** RFC 3339, UTC. */
  at?: string;
  bootedAt?: string;
  /** When what runs was last seen to be what should run. */
  succeeded?: string;
  agent?: string;
  refused?: Refusal[];
}

/** How many refusals are remembered. */
const mostRefusals = 20;

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** The kinds of a state's fields; one whose value is of another kind is left out, because it would be in the way for good. */
const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  revision: (value) => isRevision(value) === undefined,
  repository: isText,
  attribute: isText,
  lock: isText,
  deployed: isText,
  previous: (value) => isRevision(value) === undefined,
  approved: (value) => isRevision(value) === undefined,
  lockMatches: isFlag,
  toplevel: isText,
  outcome: (value) => contract.outcome.includes(value as Outcome),
  stage: isStage,
  error: isText,
  transient: isFlag,
  activation: (value) => value === "live" || value === "boot",
  pending: isObject,
  waiting: isObject,
  rolledBack: isFlag,
  rebootRequired: isFlag,
  at: isTime,
  bootedAt: isTime,
  succeeded: isTime,
  agent: isText,
  refused: Array.isArray,
};

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isFlag(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isStage(value: unknown): value is Stage {
  return contract.stage.includes(value as Stage);
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && time.test(value) && !Number.isNaN(Date.parse(value));
}

/** Reads a state file's text, of which a power cut may have left half. */
export function parseState(text: string): { state: AgentState; readable: boolean } {
  const item = parseObject(text);
  if (item === undefined) return { state: {}, readable: text.trim() === "" };
  return { state: stateOf(item), readable: true };
}

/** Of an object what a state can have. */
export function stateOf(item: JsonObject): AgentState {
  const state = Object.fromEntries(Object.entries(item).filter(([name, value]) => own(kinds, name)?.(value) === true));
  const refused = own(state, "refused");
  if (Array.isArray(refused)) state["refused"] = refused.filter(isObject).flatMap(refusalOf);
  return state;
}

function refusalOf(item: JsonObject): Refusal[] {
  const { revision, repository, attribute, stage, error, rolledBack, at } = item;
  if (isRevision(revision) !== undefined) return [];
  return [
    {
      revision: revision as string,
      ...(isText(repository) ? { repository } : {}),
      ...(isText(attribute) ? { attribute } : {}),
      ...(isStage(stage) ? { stage } : {}),
      error: isText(error) ? error : "",
      rolledBack: rolledBack === true,
      at: isText(at) ? at : "",
    },
  ];
}

/** What runs on a machine, as paths in the Nix store. */
export interface Running {
  /** What the system profile names, so what the next boot brings up. */
  profile: string;
  current: string;
  /** The boot that it runs in. */
  boot: string;
  /** The trial that has not ended, if there is one: what waits for a reboot is deployed when the profile has it. */
  trial?: { mode?: unknown; path?: unknown; boot?: unknown } | undefined;
}

/** Whether a machine runs something else than what its agent deployed. */
export function hasDrifted({ deployed }: AgentState, { profile, current, boot, trial }: Running): boolean {
  const waits = trial?.mode === "boot" && trial.path === deployed && trial.boot === boot;
  return profile !== deployed || (current !== deployed && !waits);
}

/** How a run ended. */
export interface RunResult {
  outcome: Outcome;
  stage?: Stage;
  error?: string;
  transient?: boolean;
  activation?: "live" | "boot";
  pending?: { revision: string; toplevel: string };
  waiting?: Waiting;
  /** Set where the run ended with that revision deployed: which, with which lock, from where, and as what. */
  revision?: string;
  lock?: string;
  repository?: string;
  attribute?: string;
  /** Set where what is deployed is not what runs yet. */
  deployed?: string;
  /** What runs. */
  toplevel: string;
  /** The approval that was acted on. */
  approved?: string;
  /** The revision that is not to be tried again, and what it was tried as. */
  refuse?: { revision: string; repository?: string; attribute?: string };
  lockMatches?: boolean;
  rolledBack: boolean;
  rebootRequired: boolean;
  /** RFC 3339, UTC. */
  at: string;
  bootedAt: string;
  agent: string;
}

/** The state after a run. */
export function nextState(before: AgentState, result: RunResult): AgentState {
  const bytes = contract.report.errorBytes;
  const { outcome, refuse } = result;
  const revision = result.revision ?? before.revision;
  const succeeded = outcome === "unchanged" || outcome === "updated" ? result.at : before.succeeded;
  const previous = before.revision === undefined || before.revision === revision ? before.previous : before.revision;
  const kept = (before.refused ?? []).filter((one) => !isSame(one, refuse) && one.revision !== result.revision);
  const added: Refusal[] =
    refuse === undefined
      ? []
      : [
          {
            ...refuse,
            ...(result.stage === undefined ? {} : { stage: result.stage }),
            error: logText(result.error ?? "", bytes / 2),
            rolledBack: result.rolledBack,
            at: result.at,
          },
        ];
  return defined({
    revision,
    approved: result.approved ?? before.approved,
    lock: result.lock ?? before.lock ?? "",
    repository: result.repository ?? before.repository,
    attribute: result.attribute ?? before.attribute,
    lockMatches: result.lockMatches ?? before.lockMatches,
    toplevel: result.toplevel,
    outcome,
    stage: result.stage,
    error: result.error === undefined ? undefined : logText(result.error, bytes),
    transient: result.transient,
    activation: result.activation ?? before.activation,
    pending: result.pending,
    waiting: result.waiting,
    rolledBack: result.rolledBack,
    rebootRequired: result.rebootRequired,
    at: result.at,
    bootedAt: result.bootedAt,
    agent: result.agent,
    deployed: result.revision === undefined ? before.deployed : (result.deployed ?? result.toplevel),
    previous,
    succeeded,
    refused: [...kept, ...added].slice(-mostRefusals),
  });
}

function isSame(one: Refusal, other: RunResult["refuse"]): boolean {
  return one.revision === other?.revision && one.repository === other.repository && one.attribute === other.attribute;
}

/** The state as its file holds it. An agent of before reads it too, and has a revision in every state. */
export function serializeState(state: AgentState): string {
  return JSON.stringify({ revision: "", ...state });
}

/** The state as a report is made of it. */
export function publishable(state: AgentState): JsonObject {
  return { revision: "", ...state };
}

/** What an outsider knows of a VM's state: what its last report says. */
export function stateFromReport(report: Report): AgentState {
  return stateOf({ ...report });
}

/** Without the fields that are undefined. */
function defined(state: { [K in keyof AgentState]: AgentState[K] | undefined }): AgentState {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined));
}
