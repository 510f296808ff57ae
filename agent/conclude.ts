/** Ends a run: writes the state file, the report and the metrics, notifies of a failure, and arranges a retry. */
import { isTransient } from "../rules/decision/failure";
import { nextState, type AgentState, type RunResult } from "../rules/agent-state";
import { contract } from "../rules/contract";
import { isFailing, nextTry } from "../rules/decision/repeated-failure";
import type { Attempt, CommonDecision, Driver, RunRequest, Situation } from "./driver";
import { type Ending, isOffline } from "./ending";
import { remove } from "./host/files";
import { buildLink } from "./git/source";
import { log } from "./host/log";
import { writeCachedSettings } from "./cached-settings";
import { writeLoginMessage } from "./report/login-message";
import { writeMetrics } from "./report/metrics";
import { bootedAt, now } from "./host/time";
import { endTrial, hasTrial, writeState } from "./state";
import { reportFor } from "./report/publish";
import { run, succeeded } from "./host/process";
import { arrangeRetry } from "./retry";

/** @returns whether the state was written. If not, a trial that has ended stays on trial, so that the next run ends it again. */
export async function conclude<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  attempt: Attempt<S, D>,
): Promise<boolean> {
  const { situation, decision, ending } = attempt;
  const { place } = driver;
  const state = nextState(situation.state, await resultOf(driver, decision, ending));
  // A power cut may lose the time of a check that found nothing new. It must not lose the result of an update.
  const lasting = ending.outcome !== "unchanged" || ending.revision !== undefined;
  const written = tryToWrite(`${place.stateFolder}/state.json`, () => writeState(place.stateFolder, state, lasting));
  const { trialOver } = ending;
  if (written && trialOver !== undefined)
    tryToWrite(`${place.stateFolder}/trial.json`, () => endTrial(place.stateFolder, trialOver));
  // What was built and waits for its time, or is not rolled back yet, must not become garbage until then.
  if (ending.outcome !== "deferred" && !isOffline(ending) && !hasTrial(place.stateFolder)) remove(buildLink(place));
  writeLoginMessage(place, state);
  // A home in the machine's repository follows the machine and no branch.
  if (decision.settings.repository !== undefined) writeCachedSettings(place.runFolder, decision.settings);
  writeMetrics(decision.settings["metricsDirectory"], place.service, state);
  const { retry } = await driver.concluded({ situation, decision, request, ending, state });
  await notify(decision, ending, state);
  await dropOldRevisions(driver, attempt);
  const unrecorded = written || trialOver === undefined ? undefined : "the end of the update could not be written down";
  const why = ending.retry ?? retry ?? unrecorded;
  await arrangeRetry(place, request, why, ending.retryAt ?? restsAfter(ending, state));
  return written;
}

/** @returns whether it could be written */
function tryToWrite(file: string, write: () => void): boolean {
  try {
    write();
    return true;
  } catch {
    log(`could not write ${file}`);
    return false;
  }
}

/** After an update. It may take long, so it comes after all that others wait for. */
async function dropOldRevisions<S extends Situation, D extends CommonDecision>(
  { place }: Driver<S, D>,
  { situation: { state }, ending: { outcome, revision } }: Attempt<S, D>,
): Promise<void> {
  if (outcome !== "updated" || revision === undefined) return;
  try {
    await place.mirror.prune([revision, state.revision, state.previous]);
  } catch (error) {
    log(`could not drop old revisions: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function resultOf<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  decision: D,
  ending: Ending,
): Promise<RunResult> {
  const { outcome, stage, error, cause, revision, deployed, lockMatches, rolledBack } = ending;
  const waiting = ending.waiting ?? (await driver.waitsFor?.(decision, ending));
  const pending = driver.pending?.();
  const origin = { repository: driver.repository(decision), attribute: driver.attributeName(decision) };
  return {
    outcome,
    rolledBack,
    ...(stage === undefined ? {} : { stage }),
    ...(error === undefined ? {} : { error }),
    ...(ending.passes === true || (outcome === "failed" && cause !== undefined && isTransient(cause))
      ? { transient: true }
      : {}),
    ...(revision === undefined ? {} : { revision, lock: ending.lock ?? "", ...origin }),
    ...(deployed === undefined ? {} : { deployed }),
    ...(ending.restores === undefined ? {} : { restores: ending.restores }),
    ...(decision.approved === undefined ? {} : { approved: decision.approved }),
    ...(ending.refuse === undefined ? {} : { refuse: { revision: ending.refuse, ...origin } }),
    ...(ending.unrecognised === undefined ? {} : { unrecognised: ending.unrecognised }),
    ...(ending.cutOff === undefined ? {} : { cutOff: ending.cutOff }),
    ...(lockMatches === undefined ? {} : { lockMatches }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(driver.place.manager === "user"
      ? {}
      : { activation: pending === undefined ? ("live" as const) : ("boot" as const) }),
    ...(pending === undefined ? {} : { pending }),
    toplevel: driver.current(),
    rebootRequired: await driver.needsReboot(ending),
    at: now(),
    bootedAt: bootedAt(driver.place.runFolder),
    agent: contract.agent,
  };
}

/** Runs the configured command after a failure. Its environment names the failure; its standard input is the report. */
async function notify(decision: CommonDecision, ending: Ending, state: AgentState): Promise<void> {
  const command = decision.settings["notify"];
  if (typeof command !== "string" || ending.outcome !== "failed" || isOffline(ending)) return;
  const news = reportFor(decision, state);
  if (!news) return;
  const finished = await run("bash", ["-c", command], {
    env: {
      NIXOS_AUTO_UPDATE_STAGE: ending.stage ?? "",
      NIXOS_AUTO_UPDATE_REVISION: decision.target?.revision ?? "",
    },
    input: `${JSON.stringify(news)}\n`,
    timeout: 60_000,
    tee: true,
  });
  if (!succeeded(finished)) log("notify: the command failed");
}

/** The agent retries a repeated failure after a day. */
function restsAfter({ unrecognised }: Ending, { repeated }: AgentState): Date | undefined {
  if (unrecognised === undefined || repeated === undefined || !isFailing(repeated)) return undefined;
  return nextTry(repeated);
}
