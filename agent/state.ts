/** The agent's persistent files: how its last run ended, a person's hold, and an activation that has not ended. */
import { join } from "node:path";
import {
  deploymentOf,
  isStage,
  parseState,
  reachables,
  serializeState,
  stateOf,
  type AgentState,
  type Deployment,
  type Reachable,
} from "../rules/agent-state";
import type { Stage } from "../rules/contract";
import { isObject, isOneOf } from "../rules/text/json";
import { exists, isThere, readText, remove, writeFileAtomic, writeFileFsync, readObject } from "./host/files";
import { log } from "./host/log";

const stateFile = (folder: string) => join(folder, "state.json");
const holdFile = (folder: string) => join(folder, "hold.json");
const trialFile = (folder: string) => join(folder, "trial.json");

export function readState(folder: string): { state: AgentState; readable: boolean } {
  const text = readText(stateFile(folder));
  if (text === undefined) return { state: {}, readable: !exists(stateFile(folder)) };
  return parseState(text);
}

/** @param lasting whether it must survive a power cut */
export function writeState(folder: string, state: AgentState, lasting: boolean): void {
  (lasting ? writeFileFsync : writeFileAtomic)(stateFile(folder), serializeState(state));
}

export interface LocalHold {
  by?: string;
  why?: string;
  at?: string;
}

/** The hold of a person on this machine; null if there is none, `{}` if it cannot be read. */
export function readHold(folder: string): LocalHold | null {
  if (!isThere(holdFile(folder))) return null;
  const item = readObject(holdFile(folder)) ?? {};
  return Object.fromEntries(Object.entries(item).filter(([, value]) => typeof value === "string"));
}

/** @throws if it cannot be written */
export function writeHold(folder: string, hold: LocalHold): void {
  writeFileFsync(holdFile(folder), JSON.stringify(hold));
}

export function removeHold(folder: string): boolean {
  const there = isThere(holdFile(folder));
  remove(holdFile(folder));
  return there;
}

/** The state to compare health with. */
export interface Before {
  /** Units that had failed; absent if no manager answered. */
  failed?: string[];
  /** What was reachable, by `Reachable`. */
  reached: Record<string, boolean>;
}

/** Why an activation that failed may succeed later; `users`: it waited for them. */
const passing = ["busy", "space", "users"] as const;
export type Passing = (typeof passing)[number];

/**
 * Why a trial is rolled back. `passes`: why it may succeed later. `unchanged`: the activation changed nothing. `lost`: it failed only
 * because this does not answer any more.
 */
export interface Undo {
  stage: Stage;
  error: string;
  passes?: Passing;
  unchanged?: true;
  lost?: Reachable;
}

/**
 * An activation under trial: the new store path must work, or the old one comes back. Until then a boot starts the old one, so that a
 * new one that hangs cannot keep the machine from booting. Only a trial that waits for a reboot works the other way round. While the file
 * exists, an activation has not ended. Whatever interrupted it (a kill, a power cut), the next run ends it first.
 */
export interface Trial {
  path: string;
  revision: string;
  lock: string;
  mode: "switch" | "boot";
  /** The boot it began in. */
  boot: string;
  /** RFC 3339: when it began; absent if an older agent wrote it. */
  begun?: string;
  /** What ran then; empty if nothing did. */
  former: string;
  /** The generation that the home's links led into then, if its profile did not name it. */
  linked?: string;
  before: Before;
  /** It runs already and is kept, and is checked again after its next boot. Older agents treat it as one that waits for that boot. */
  kept?: true;
  /** RFC 3339: since when it waits for a boot. Set once the boot loader starts it. */
  since?: string;
  /** Nothing was deployed before, so no person works on the machine yet. */
  first?: true;
  /** What counted as deployed in the state before this trial; absent if an older agent wrote it. */
  restores?: Deployment;
  /** Why it must be rolled back. */
  undo?: Undo;
  /** The boot whose end its rollback waits for: what ran before it cannot be activated in that boot. */
  backAtBoot?: string;
  /** What waited for a reboot when this trial began. */
  replaces?: Trial;
}

/** The trial in the file. A trial that cannot be read is removed: what runs decides then. */
export function readTrial(folder: string): Trial | undefined {
  if (!isThere(trialFile(folder))) return undefined;
  const trial = parseTrial(readObject(trialFile(folder)));
  if (trial === undefined) {
    log(`${trialFile(folder)} is not readable; ignoring it`);
    endTrial(folder, {});
  }
  return trial;
}

function parseTrial(item: unknown): Trial | undefined {
  if (!isObject(item)) return undefined;
  const { path, revision, lock, mode, boot, former, linked, before, undo } = item;
  const { replaces, kept, since, begun, first, restores, backAtBoot } = item;
  if (typeof path !== "string" || typeof revision !== "string" || typeof boot !== "string") return undefined;
  if (mode !== "switch" && mode !== "boot") return undefined;
  const replaced = parseTrial(replaces);
  const undone = parseUndo(undo);
  return {
    path,
    revision,
    mode,
    boot,
    lock: typeof lock === "string" ? lock : "",
    former: typeof former === "string" ? former : "",
    ...(typeof linked === "string" ? { linked } : {}),
    before: parseBefore(before),
    ...(kept === true ? { kept } : {}),
    ...(isTime(since) ? { since } : {}),
    ...(isTime(begun) ? { begun } : {}),
    ...(first === true ? { first } : {}),
    ...(isObject(restores) ? { restores: deploymentOf(stateOf(restores)) } : {}),
    ...(undone === undefined ? {} : { undo: undone }),
    ...(typeof backAtBoot === "string" ? { backAtBoot } : {}),
    ...(replaced === undefined ? {} : { replaces: replaced }),
  };
}

function isTime(item: unknown): item is string {
  return typeof item === "string" && !Number.isNaN(Date.parse(item));
}

function parseUndo(item: unknown): Trial["undo"] {
  if (!isObject(item)) return undefined;
  const { stage, error, passes, unchanged, lost } = item;
  if (!isStage(stage)) return undefined;
  return {
    stage,
    error: typeof error === "string" ? error : "",
    ...(isOneOf(passing, passes) ? { passes } : {}),
    ...(unchanged === true ? { unchanged } : {}),
    ...(isOneOf(reachables, lost) ? { lost } : {}),
  };
}

function parseBefore(item: unknown): Before {
  if (!isObject(item)) return { reached: {} };
  const { failed, reached } = item;
  return {
    ...(Array.isArray(failed) ? { failed: failed.filter((name) => typeof name === "string") } : {}),
    reached: isObject(reached)
      ? Object.fromEntries(Object.entries(reached).filter((entry): entry is [string, boolean] => entry[1] === true))
      : {},
  };
}

/** The trial that waits for a reboot, or will. While a trial is rolled back, what waited before it waits again. */
export function readWaiting(folder: string): Trial | undefined {
  const trial = readTrial(folder);
  return trial?.undo === undefined ? trial : trial.replaces;
}

/** What waited for a reboot when this trial began, unless that boot has come. */
export function stillWaiting({ replaces }: Trial, boot: string): Trial | undefined {
  return replaces?.mode === "boot" && replaces.boot === boot ? replaces : undefined;
}

/** @throws if it cannot be written */
export function writeTrial(folder: string, trial: Trial): void {
  writeFileFsync(trialFile(folder), JSON.stringify(trial));
}

/** Ends the trial in the file; what waited for a reboot before it may wait again. @throws if that cannot be written */
export function endTrial(folder: string, { waitsAgain }: { waitsAgain?: Trial }): void {
  if (waitsAgain === undefined) remove(trialFile(folder));
  else writeTrial(folder, waitsAgain);
}

export function hasTrial(folder: string): boolean {
  return isThere(trialFile(folder));
}
