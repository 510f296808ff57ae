/** One update of a system or a home: decides, deploys if the decision says so, and records the result. */
import { short } from "../rules/contract";
import { isSameUpdate } from "../rules/decision/decision";
import { restsUntil } from "../rules/decision/repeated-failure";
import { activate, finishTrial, unfinishedTrial } from "./activation/activation";
import { conclude } from "./conclude";
import { type Attempt, type CommonDecision, type Driver, type Found, type Deferral } from "./driver";
import { type RunRequest, type Situation, UpdateFailure } from "./driver";
import { type Ending, endedWell } from "./ending";
import { lastLine, log, oneLine } from "./host/log";
import { succeededOrFailure } from "./failures";
import { realise, fetchAndVerify, findDescent, findHead } from "./git/source";
import { pruneGenerations, spaceSettings } from "./nix/space";
import { closureDifference } from "./nix/nix";
import { bootedAt, timestamp } from "./host/time";

/** What an attempt returns to its caller. */
export interface AttemptResult<S, D> extends Attempt<S, D> {
  well: boolean;
}

/** An update that was decided, and what the decision began with. */
interface Update<S, D> {
  decision: D;
  situation: S;
}

/** A store path that may be activated. */
interface Built {
  path: string;
  revision: string;
  lock: string;
  about: Pick<Ending, "lockMatches">;
}

export async function attempt<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
): Promise<AttemptResult<S, D>> {
  let situation = await driver.look(request);
  // Two at most: a trial, and what waited for a reboot when it began.
  for (let left = 2; left > 0; left--) {
    const trial = unfinishedTrial(driver);
    if (trial === undefined) break;
    const decision = driver.decide(situation, request, {});
    const ending = await succeededOrFailure(
      () => finishTrial({ driver, decision }, trial),
      () => trial.revision,
    );
    const ended = { situation, decision, ending };
    if (!(await conclude(driver, request, ended))) return { ...ended, well: endedWell(ending) };
    situation = await driver.look(request);
  }
  const result = await carryOut(driver, request, situation);
  if (!request.dry) await conclude(driver, request, result);
  return { ...result, well: endedWell(result.ending) };
}

async function carryOut<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  first: S,
): Promise<Attempt<S, D>> {
  let situation = first;
  let decision = driver.decide(situation, request, {});
  const ending = await succeededOrFailure(
    async () => {
      for (;;) {
        const found = await findOut(driver, request, situation, decision);
        decision = driver.decide(situation, request, found);
        for (const note of decision.notes ?? []) log(note);
        log(decision.reason);
        if (decision.action !== "update") return asDecided(decision);
        const update = { decision, situation };
        const built =
          resting(driver, request, update) ??
          (await deferredByWork(driver, request, decision)) ??
          (await prepare(driver, request, update));
        if ("outcome" in built) return built;
        // A build may take hours. A hold that came meanwhile counts, and so does another approval.
        situation = await driver.look(request);
        if (isSameUpdate(decision, driver.decide(situation, request, found)))
          return (await deferredByWork(driver, request, decision)) ?? (await deploy(driver, request, update, built));
        log("something changed since the decision; deciding again");
        request.stage("deciding");
        decision = driver.decide(situation, request, {});
      }
    },
    () => decision.target?.revision,
  );
  return { situation, decision, ending };
}

function asDecided(decision: CommonDecision): Ending {
  const { outcome, stage, error, rolledBack, reason, waiting, transient } = decision;
  const said = error ?? (outcome === "deferred" || outcome === "held" ? reason : undefined);
  return {
    outcome,
    rolledBack,
    ...(stage === undefined ? {} : { stage }),
    ...(said === undefined ? {} : { error: said }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(transient ? { retry: reason } : {}),
    ...(transient && outcome === "deferred" ? { passes: true as const } : {}),
    ...(outcome === "failed" ? { cause: "revision" as const } : {}),
  };
}

/** Looks up expensive facts only if the decision needs them. @throws UpdateFailure */
async function findOut<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  situation: S,
  first: D,
): Promise<Found> {
  let decision = first;
  let found: Found = {};
  for (let asked = 0; decision.need !== undefined && asked < 3; asked++) {
    const { need } = decision;
    const answer: Found =
      need.kind === "head"
        ? { head: await findHead(driver, decision) }
        : { descends: await findDescent(driver, decision, need.revision, need.deployed) };
    found = { ...found, ...answer };
    decision = driver.decide(situation, request, found);
  }
  return found;
}

/** A VM that keeps failing in the same way does not retry every time it could. Its first system is always retried. */
function resting<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  { person, force, dry, wanted }: RunRequest,
  { decision: { target, retry }, situation: { state } }: Update<S, D>,
): Ending | undefined {
  const { repeated, revision: deployed = "", stage, error = "" } = state;
  if (target === undefined || deployed === "") return undefined;
  const { revision } = target;
  const asked = person || force || dry || wanted !== undefined || retry.includes(revision);
  const bootedAtNow = bootedAt(driver.place.runFolder);
  const until = restsUntil(repeated, { revision, bootedAt: bootedAtNow, now: new Date(), asked });
  if (until === undefined || repeated === undefined) return undefined;
  log(
    `failed ${repeated.tries} times in the same way since ${repeated.since}; next try after ${timestamp(until.getTime())}`,
  );
  const failed = { outcome: "failed", error, cause: "unknown", rolledBack: false } as const;
  return { ...failed, ...(stage === undefined ? {} : { stage }), retry: lastLine(error), retryAt: until };
}

/** Builds the update and tests its agent. @returns how the run ends if there is nothing to activate now. @throws UpdateFailure */
async function prepare<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  { decision, situation }: Update<S, D>,
): Promise<Built | Ending> {
  const { target } = decision;
  if (target === undefined) throw new Error("a decision to update names no revision");
  const { revision } = target;
  const lock = await fetchAndVerify(driver, request, decision, situation, target);
  const path = await realise(driver, request, decision, target);
  const refusal = await driver.refusal(path, decision);
  if (refusal !== undefined) throw new UpdateFailure("verify", refusal, "revision", true);
  const lockMatches = await driver.lockMatches(decision);
  const about = lockMatches === undefined ? {} : { lockMatches };
  if (request.dry) {
    await showDifference(driver, path);
    return { outcome: "updated", rolledBack: false, ...about };
  }
  if (driver.isCurrent(path)) {
    log(`${short(revision)} is ${path}, which runs already`);
    return { outcome: "unchanged", rolledBack: false, revision, lock, deployed: path, ...about };
  }
  const postponed = driver.postponed?.(decision, request, situation);
  if (postponed !== undefined) return postpone(postponed);
  request.stage("verifying", revision);
  log("→ testing the new agent");
  const agentError = await driver.agentError(path);
  if (agentError !== undefined) throw new UpdateFailure("verify", agentError, "revision", true);
  return { path, revision, lock, about };
}

async function deploy<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  { decision, situation: { state } }: Update<S, D>,
  { about, ...built }: Built,
): Promise<Ending> {
  const { place } = driver;
  const { revision } = built;
  request.stage("switching", revision);
  const first = state.revision === undefined || state.revision === "";
  const ending = await activate({ driver, decision }, built, state, first);
  if (ending.outcome === "updated") {
    await pruneGenerations(place, spaceSettings(decision.settings).keepGenerations);
  }
  return { ...ending, ...about };
}

/** Defers the update if a person's work is in the way, or something has to come first. The revision stays the target. */
async function deferredByWork<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  decision: D,
): Promise<Ending | undefined> {
  const work = await driver.obstacle(decision, request);
  const why = work ?? (await driver.comesFirst?.(request));
  if (why === undefined) return undefined;
  log(why);
  const passes = work === undefined ? { passes: true as const } : {};
  return { outcome: "deferred", error: why, rolledBack: false, retry: oneLine(why), ...passes };
}

/** Defers an update that is already built, so that its later activation is quick. */
function postpone({ why, waiting, until }: Deferral): Ending {
  log(why);
  const when = until === undefined ? {} : { retryAt: until };
  return { outcome: "deferred", error: why, rolledBack: false, waiting, retry: why, ...when };
}

async function showDifference<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  path: string,
): Promise<void> {
  const current = driver.current();
  if (current === path) {
    log(`would change nothing: ${path} runs already`);
    return;
  }
  log(`would switch to ${path}`);
  try {
    if ((await driver.mode(path)) === "boot") log("would need a reboot");
  } catch (error) {
    if (!(error instanceof UpdateFailure)) throw error;
    log(`it is not known whether it would need a reboot: ${error.message}`);
  }
  if (current === "") return;
  process.stdout.write(`${(await closureDifference(current, path)) || "no package changes its version"}\n`);
}
