/** The file `state.json`: what the agent of a system or of a home remembers between runs. */
import { contract, isCurrent, type Stage } from "./contract";
import { defined, isObject, isOneOf, isRevision, own, parseObject, type JsonObject } from "./text/json";
import type { Report } from "./report";
import { failingOf, isRepeatedFailure, repeatedAfter, type RepeatedFailure } from "./decision/repeated-failure";
import { logText } from "./text/text";

/** A revision that failed for a reason of its own. The agent does not try it again unless someone asks. */
export interface Refusal {
  revision: string;
  /** The source and the attribute that it was built from; absent in what older agents remember. Another source or host may succeed. */
  repository?: string;
  attribute?: string;
  stage?: Stage;
  error: string;
  rolledBack: boolean;
  at: string;
}

/** What a machine must not be cut off from by an update. */
export const reachables = ["metadata server", "repository"] as const;
export type Reachable = (typeof reachables)[number];

/** A revision after whose switch a server did not answer any more, and did not after the rollback either. */
export interface CutOff {
  revision: string;
  lost: Reachable;
}

/** The state: what a report says of the last run, and what only the agent needs. An absent field is unknown. */
export interface AgentState extends Partial<Omit<Report, "progress" | "failing">> {
  /** Where the deployed revision came from, and which host's or home's attribute it was built as. */
  repository?: string;
  attribute?: string;
  /** The store path that was deployed last. If another one runs, a person changed it. */
  deployed?: string;
  /** The revision that was deployed before this one, for an undo. */
  previous?: string;
  /** When the agent last saw that the right revision runs: RFC 3339, UTC. */
  succeeded?: string;
  refused?: Refusal[];
  /** The last failure that was not recognised. */
  repeated?: RepeatedFailure;
  /** It is not tried again before the server answers: a rollback does not undo all that can cut a machine off. */
  cutOff?: CutOff;
}

const deploymentFields = ["revision", "lock", "repository", "attribute", "deployed", "previous"] as const;

/** What a state says of the deployed revision. */
export type Deployment = Pick<AgentState, (typeof deploymentFields)[number]>;

export function deploymentOf(state: AgentState): Deployment {
  return Object.fromEntries(Object.entries(state).filter(([name]) => isDeploymentField(name)));
}

function isDeploymentField(name: string): boolean {
  return deploymentFields.some((field) => field === name);
}

/** How many refusals the agent remembers. */
const mostRefusals = 20;

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** The kinds of a state's fields. A field of another kind is left out, because otherwise it would stay and block every run. */
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
  outcome: (value) => isOneOf(contract.outcome, value),
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
  repeated: (value) => isObject(value) && isRepeatedFailure(value),
  cutOff: (value) =>
    isObject(value) && isRevision(value["revision"]) === undefined && isOneOf(reachables, value["lost"]),
};

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isFlag(value: unknown): value is boolean {
  return typeof value === "boolean";
}

export function isStage(value: unknown): value is Stage {
  return isOneOf(contract.stage, value);
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && time.test(value) && !Number.isNaN(Date.parse(value));
}

/** Reads the text of a state file. A power cut may have left only half of it. */
export function parseState(text: string): { state: AgentState; readable: boolean } {
  const item = parseObject(text);
  if (item === undefined) return { state: {}, readable: text.trim() === "" };
  return { state: stateOf(item), readable: true };
}

/** Keeps the fields of an object that a state can have. */
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
interface RunningSystem {
  /** What the system profile names: the next boot starts it. */
  profile: string;
  current: string;
  /** The id of the current boot. */
  boot: string;
  /** The trial that has not ended, if there is one. A system that waits for a reboot counts as deployed once the profile names it. */
  trial?: { mode?: unknown; path?: unknown; boot?: unknown } | undefined;
}

/** Whether a machine runs something other than what its agent deployed. */
export function hasDrifted({ deployed }: AgentState, { profile, current, boot, trial }: RunningSystem): boolean {
  const waits = trial?.mode === "boot" && trial.path === deployed && trial.boot === boot;
  return profile !== deployed || (current !== deployed && !waits);
}

/** How a run ended; `revision` and `lock` are set if the run ended with that revision deployed. */
export interface RunResult
  extends Omit<Report, "progress" | "failing" | "revision" | "lock">, Partial<Pick<Report, "revision" | "lock">> {
  /** The source of a deployed revision, and the attribute that it was built as. */
  repository?: string;
  attribute?: string;
  /** The store path of that revision; otherwise it is `toplevel`. */
  deployed?: string;
  /** What is deployed again after the rollback of a revision that counted as deployed. */
  restores?: Deployment;
  /** The revision that the agent must not try again, and the attribute that it was tried as. */
  refuse?: { revision: string; repository?: string; attribute?: string };
  /** Set if the run counts for the limit of tries: the revision that was tried, if it was known. */
  unrecognised?: { revision?: string };
  cutOff?: CutOff;
}

/** The state after a run. */
export function nextState(last: AgentState, result: RunResult): AgentState {
  const before = result.restores === undefined ? last : withDeployment(last, result.restores);
  const bytes = contract.report.errorBytes;
  const { outcome, refuse } = result;
  const revision = result.revision ?? before.revision;
  const succeeded = isCurrent(outcome) ? result.at : before.succeeded;
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
    repeated: repeatedOf(before.repeated, result),
    cutOff: result.cutOff ?? (outcome === "updated" || refuse !== undefined ? undefined : before.cutOff),
  });
}

function withDeployment(state: AgentState, deployment: Deployment): AgentState {
  return { ...Object.fromEntries(Object.entries(state).filter(([name]) => !isDeploymentField(name))), ...deployment };
}

/** A run that succeeded or was refused ends the series of failures. A run that stopped earlier does not change it. */
function repeatedOf(before: RepeatedFailure | undefined, result: RunResult): RepeatedFailure | undefined {
  const { outcome, unrecognised, refuse, stage, error = "", at, bootedAt } = result;
  if (unrecognised !== undefined) return repeatedAfter(before, { ...unrecognised, stage, error, at, bootedAt });
  return isCurrent(outcome) || refuse !== undefined ? undefined : before;
}

function isSame(one: Refusal, other: RunResult["refuse"]): boolean {
  return one.revision === other?.revision && one.repository === other.repository && one.attribute === other.attribute;
}

/** The state as its file holds it. Older agents read it too, and expect a revision in every state. */
export function serializeState(state: AgentState): string {
  return JSON.stringify({ revision: "", ...state });
}

/** The state in the form from which a report is made. */
export function publishable(state: AgentState): JsonObject {
  const failing = state.outcome === "failed" ? failingOf(state.repeated) : undefined;
  return { revision: "", ...state, ...(failing === undefined ? {} : { failing }) };
}

/** What is known of a VM's state from outside: what its last report says. */
export function stateFromReport(report: Report): AgentState {
  return stateOf({ ...report });
}
