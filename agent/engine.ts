/** One update of a system or a home: decides, deploys if the decision says so, and records the result. */
import { short } from "../rules/contract";
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

export async function attempt<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
): Promise<AttemptResult<S, D>> {
  let situation = await driver.look(request);
  let decision = driver.decide(situation, request, {});
  const trial = unfinishedTrial(driver);
  if (trial !== undefined) {
    const ending = await finishTrial({ driver, decision }, trial);
    await conclude(driver, request, { situation, decision, ending });
    situation = await driver.look(request);
    decision = driver.decide(situation, request, {});
  }
  const result = await carryOut(driver, request, situation, decision);
  if (!request.dry) await conclude(driver, request, result);
  return { ...result, well: endedWell(result.ending) };
}

async function carryOut<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  situation: S,
  first: D,
): Promise<Attempt<S, D>> {
  let decision = first;
  const ending = await succeededOrFailure(
    async () => {
      decision = await findOut(driver, request, situation, first);
      for (const note of decision.notes ?? []) log(note);
      log(decision.reason);
      if (decision.action !== "update") return asDecided(decision);
      return resting(driver, request, decision, situation) ?? (await deploy(driver, request, decision, situation));
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
    ...(outcome === "failed" ? { cause: "revision" as const } : {}),
  };
}

/** Looks up expensive facts only if the decision needs them. @throws UpdateFailure */
async function findOut<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  situation: S,
  first: D,
): Promise<D> {
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
  return decision;
}

/** A VM that keeps failing in the same way does not retry every time it could. Its first system is always retried. */
function resting<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  { person, force, dry, wanted }: RunRequest,
  { target, retry }: D,
  { state }: Situation,
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

async function deploy<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  request: RunRequest,
  decision: D,
  situation: S,
): Promise<Ending> {
  const { target } = decision;
  if (target === undefined) throw new Error("a decision to update names no revision");
  const { revision } = target;
  const obstacle = await driver.obstacle(decision, request);
  if (obstacle !== undefined) return defer(obstacle);
  const { place } = driver;
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
    return { outcome: "unchanged", rolledBack: false, revision, lock, ...about };
  }
  const postponed = driver.postponed?.(decision, request, situation);
  if (postponed !== undefined) return postpone(postponed);
  request.stage("verifying", revision);
  log("→ testing the new agent");
  const agentError = await driver.agentError(path);
  if (agentError !== undefined) throw new UpdateFailure("verify", agentError, "revision", true);
  request.stage("switching", revision);
  const first = situation.state.revision === undefined || situation.state.revision === "";
  const ending = await activate({ driver, decision }, { path, revision, lock }, situation.state, first);
  if (ending.outcome === "updated") {
    await pruneGenerations(place, spaceSettings(decision.settings).keepGenerations);
    await place.mirror.prune([revision, situation.state.revision, situation.state.previous]);
  }
  return { ...ending, ...about };
}

/** Defers the update because a person's work is in the way. The revision stays the target. */
function defer(why: string): Ending {
  log(why);
  return { outcome: "deferred", error: why, rolledBack: false, retry: oneLine(why) };
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
  if ((await driver.mode(path)) === "boot") log("would need a reboot");
  if (current === "") return;
  process.stdout.write(`${(await closureDifference(current, path)) || "no package changes its version"}\n`);
}
