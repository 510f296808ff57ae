/** Activates a built store path and checks that it works, or goes back to what ran before; also after a kill or a power cut half way. */
import { deploymentOf, type AgentState, type Deployment } from "../../rules/agent-state";
import { withCode } from "../../rules/error-codes";
import { cutShort, logFailure } from "../failures";
import { short } from "../../rules/contract";
import type { FailureCause } from "../../rules/decision/failure";
import type { CommonDecision, Driver, FailedSwitch, RolledBack, Situation } from "../driver";
import type { Ending } from "../ending";
import { alarm, log, lastLine } from "../host/log";
import { type Before, readTrial, type Trial, type Undo, writeTrial } from "../state";
import { now } from "../host/time";

/** One activation: its driver, and what was decided before it. */
interface Activation<S extends Situation, D extends CommonDecision> {
  driver: Driver<S, D>;
  decision: D;
}

/** The trial that has not ended. A trial that waits for a reboot does not count as unfinished. */
export function unfinishedTrial<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
): Trial | undefined {
  const trial = readTrial(driver.place.stateFolder);
  if (trial === undefined) return undefined;
  return trial.mode === "boot" && trial.undo === undefined && trial.boot === driver.boot() ? undefined : trial;
}

/** Activates the built store path. */
export async function activate<S extends Situation, D extends CommonDecision>(
  activation: Activation<S, D>,
  built: { path: string; revision: string; lock: string },
  state: AgentState,
  first: boolean,
): Promise<Ending> {
  const { driver, decision } = activation;
  const before = await driver.healthBefore(decision);
  const cutOff = stillCutOff(before, state, built.revision);
  if (cutOff !== undefined) {
    log(cutOff);
    return { outcome: "deferred", error: cutOff, rolledBack: false, retry: cutOff };
  }
  const waits = readTrial(driver.place.stateFolder);
  const linked = driver.linked?.();
  const trial: Trial = {
    ...built,
    mode: await driver.mode(built.path),
    boot: driver.boot(),
    begun: now(),
    former: driver.current(),
    ...(linked === undefined ? {} : { linked }),
    before,
    restores: formerDeployment(state, waits),
    ...(first ? { first: true as const } : {}),
    ...(waits === undefined || waits.path === built.path ? {} : { replaces: withoutReplaced(waits) }),
  };
  writeTrial(driver.place.stateFolder, trial);
  return carryOut(activation, trial, false);
}

/**
 * Why the revision is not tried again yet: its last try ended without a server, and that has not come back. The rollback may not have undone
 * what cut the machine off, such as firewall rules; another try would then prove nothing, since nothing answered before it.
 */
function stillCutOff({ reached }: Before, { cutOff }: AgentState, revision: string): string | undefined {
  if (cutOff?.revision !== revision || reached[cutOff.lost] === true) return undefined;
  return `the ${cutOff.lost} has not answered since ${short(revision)} was rolled back`;
}

/** What was deployed and ran. A store path that waits for a boot counts as deployed, but never ran. */
function formerDeployment(state: AgentState, waits: Trial | undefined): Deployment {
  return waits === undefined || waits.kept === true ? deploymentOf(state) : (waits.restores ?? deploymentOf(state));
}

async function carryOut<S extends Situation, D extends CommonDecision>(
  activation: Activation<S, D>,
  trial: Trial,
  isRepeated: boolean,
): Promise<Ending> {
  const { driver } = activation;
  log(trial.mode === "boot" ? `→ switching to ${trial.path} at the next boot` : `→ switching to ${trial.path}`);
  const switched = await driver.activate(trial.path, trial.mode, trial);
  if (switched.kind === "failed" && switched.unchanged === true) {
    if (!isRepeated || trial.mode === "boot") return fail(activation, trial, { ...whyOf(switched), unchanged: true });
    // What the first try changed stays on trial.
    return { outcome: "deferred", error: switched.error, rolledBack: false, retry: lastLine(switched.error) };
  }
  if (switched.kind === "failed") return fail(activation, trial, whyOf(switched));
  if (trial.mode === "boot") {
    writeTrial(driver.place.stateFolder, { ...trial, since: trial.since ?? now() });
    log(`deployed ${short(trial.revision)}; it runs after a reboot`);
    return { ...deployed(trial), reboot: true };
  }
  if (switched.kind === "needs reboot") {
    log(`${short(trial.revision)} can only run after a reboot`);
    const later: Trial = { ...trial, mode: "boot" };
    writeTrial(driver.place.stateFolder, later);
    return carryOut(activation, later, isRepeated);
  }
  const runs = driver.current();
  if (runs !== trial.path) {
    const error = `the switch ended, but ${runs === "" ? "nothing" : runs} runs`;
    return fail(activation, trial, { stage: "switch", error });
  }
  log(`switched to ${short(trial.revision)}`);
  return verifyHealth(activation, trial);
}

/** Checks whether what runs now is healthy. If not, goes back to what ran before. */
async function verifyHealth<S extends Situation, D extends CommonDecision>(
  activation: Activation<S, D>,
  trial: Trial,
): Promise<Ending> {
  const { driver, decision } = activation;
  log("→ checking health");
  const unhealthy = await driver.healthError(trial, decision);
  const runs = driver.current();
  if (trial.mode === "switch" && runs !== trial.path) return superseded(trial, driver, runs);
  if (unhealthy !== undefined) {
    const { error, lost } = unhealthy;
    // After a boot, only another boot restores all of the former system. So the former system cannot be used to ask the server again.
    const asksAgain = lost !== undefined && trial.mode === "switch" && trial.boot === driver.boot();
    return fail(activation, trial, { stage: "health", error, ...(asksAgain ? { lost } : {}) });
  }
  if (trial.mode === "switch") {
    const kept = await driver.keep(trial.path);
    if (kept.kind === "failed") return fail(activation, trial, whyOf(kept));
    if (driver.awaitsBoot?.(trial.path) === true) {
      log(`${short(trial.revision)} runs; a reboot completes it`);
      writeTrial(driver.place.stateFolder, { ...trial, mode: "boot", kept: true, since: now() });
      return { ...deployed(trial), reboot: true };
    }
  }
  return { ...deployed(trial), trialOver: {} };
}

/** Someone else's switch during the health check: the check was not about this revision, and what that person chose stays for now. */
function superseded(trial: Trial, driver: BootedDriver, runs: string): Ending {
  const error = `someone switched to ${runs === "" ? "nothing" : runs} meanwhile`;
  log(error);
  return { outcome: "deferred", error, rolledBack: false, retry: error, trialOver: leftOver(trial, driver) };
}

function withoutReplaced({ replaces: _, ...trial }: Trial): Trial {
  return trial;
}

/** Names the store path, since a specialisation of it may run. */
function deployed({ revision, lock, path }: Trial): Ending {
  return { outcome: "updated", rolledBack: false, revision, lock, deployed: path };
}

function whyOf({ error, passes }: FailedSwitch): Undo {
  return { stage: "switch", error, ...(passes === undefined ? {} : { passes }) };
}

async function fail<S extends Situation, D extends CommonDecision>(
  activation: Activation<S, D>,
  trial: Trial,
  why: Undo,
): Promise<Ending> {
  // The trial stays, as after a power cut.
  const cut = await cutShort(why.error);
  if (cut !== undefined) return cut;
  const failed: Trial = { ...trial, undo: why };
  try {
    writeTrial(activation.driver.place.stateFolder, failed);
  } catch {
    // A full disk does not prevent the rollback.
  }
  return undo(activation, failed, why);
}

/** Rolls back. A revision that failed for a transient reason stays the target. */
async function undo<S extends Situation, D extends CommonDecision>(
  activation: Activation<S, D>,
  trial: Trial,
  why: Undo,
): Promise<Ending> {
  const { driver, decision } = activation;
  logFailure(why.stage, why.error);
  log("→ rolling back");
  const back = await driver.rollBack(trial, decision, why.unchanged === true);
  const cause = await causeOf(activation, why, back);
  const error = cause === "network" ? `${why.error}, nor from the former system` : why.error;
  const later = cause === "space" ? "no space is left" : lastLine(error);
  const ending: Ending = {
    ...{ outcome: "failed", stage: why.stage, error, rolledBack: back.ok, cause },
    ...(cause === "revision" ? { refuse: trial.revision } : { retry: later }),
    ...(cause === "network" && why.lost !== undefined ? { cutOff: { revision: trial.revision, lost: why.lost } } : {}),
  };
  if (back.ok) return { ...ending, ...limited(cause, trial), ...goneBack(trial, driver) };
  return { ...ending, ...notGoneBack(trial, driver, back, error) };
}

/** Each try disturbs those who work on the machine, so the number of tries is limited, whatever makes them fail. */
function limited(cause: FailureCause, { revision }: Trial): Pick<Ending, "unrecognised"> {
  return cause === "revision" || cause === "space" ? {} : { unrecognised: { revision } };
}

/** A revision seems to have cut off a server. If the former system does not reach it either, the revision did not. */
async function causeOf<S extends Situation, D extends CommonDecision>(
  { driver, decision }: Activation<S, D>,
  { passes, lost }: Undo,
  back: RolledBack,
): Promise<FailureCause> {
  if (passes !== undefined) return passes;
  if (lost === undefined || driver.reachesAgain === undefined || back.hopeless === true) return "revision";
  // A later run repeats the rollback and asks then.
  if (!back.ok) return "unknown";
  return (await driver.reachesAgain(lost, decision)) ? "revision" : "network";
}

/** What the end of a trial restores. */
function goneBack(trial: Trial, driver: BootedDriver): Pick<Ending, "restores" | "trialOver"> {
  log("rolled back");
  // What waited for a boot counted as deployed from that time on.
  const restores = trial.since === undefined || trial.restores === undefined ? {} : { restores: trial.restores };
  const trialOver = leftOver(trial, driver);
  const { waitsAgain } = trialOver;
  if (waitsAgain === undefined || driver.bootedAnother?.(waitsAgain.path) !== true) return { ...restores, trialOver };
  // The boot started what is rolled back, so what waited before waits for the next one.
  return { ...restores, trialOver: { waitsAgain: { ...waitsAgain, boot: driver.boot() } } };
}

type BootedDriver = Pick<Driver, "boot" | "cameUp" | "bootedAnother">;

/** What the end of a trial leaves on trial: what waited for a reboot when it began, until it has been checked after that boot. */
function leftOver({ replaces }: Trial, driver: BootedDriver): NonNullable<Ending["trialOver"]> {
  if (replaces?.mode !== "boot") return {};
  const { path, boot } = replaces;
  const due = boot === driver.boot() || driver.cameUp(path) || driver.bootedAnother?.(path) === true;
  return due ? { waitsAgain: replaces } : {};
}

function notGoneBack(
  trial: Trial,
  driver: Pick<Driver, "place" | "boot">,
  back: RolledBack,
  before: string,
): Pick<Ending, "error" | "retry" | "trialOver" | "reboot"> {
  if (back.awaitsBoot === true) return backAtBoot(trial, driver, before);
  const why = back.error ?? "the former one does not come up";
  alarm(withCode(`COULD NOT ROLL BACK from ${trial.path}: ${lastLine(why)}`, "NF416"));
  return {
    error: `${before}\nand the rollback failed: ${why}`,
    ...(back.hopeless === true ? { trialOver: {} } : { retry: "the rollback failed" }),
  };
}

/** What failed runs until the machine reboots. The trial stays, so that the run after the boot ends it. */
function backAtBoot(
  trial: Trial,
  driver: Pick<Driver, "place" | "boot">,
  before: string,
): Pick<Ending, "error" | "retry" | "reboot"> {
  const why = "what ran before runs only after a reboot";
  if (trial.backAtBoot !== driver.boot()) {
    alarm(`${trial.path} failed, and ${why}`);
    try {
      writeTrial(driver.place.stateFolder, { ...trial, backAtBoot: driver.boot() });
    } catch {
      // A full disk. The next run repeats the rollback.
    }
  }
  return { error: `${before}\n${why}`, reboot: true, retry: why };
}

/** Ends an interrupted update under a hold: nothing moves forward, and the revision is not at fault. */
async function takeBack<S extends Situation, D extends CommonDecision>(
  { driver, decision }: Activation<S, D>,
  trial: Trial,
): Promise<Ending> {
  log(`an update was interrupted, and it is ${decision.reason}: going back`);
  const back = await driver.rollBack(trial, decision, false);
  if (back.ok) return { outcome: "held", error: decision.reason, rolledBack: true, ...goneBack(trial, driver) };
  const failed = { outcome: "failed", stage: "switch", cause: "unknown", rolledBack: false } as const;
  return { ...failed, ...notGoneBack(trial, driver, back, decision.reason) };
}

/** Ends a trial that was cut short. @throws if its end could not be recorded */
export async function finishTrial<S extends Situation, D extends CommonDecision>(
  activation: Activation<S, D>,
  trial: Trial,
): Promise<Ending> {
  const { driver } = activation;
  const what = short(trial.revision);
  if (trial.undo !== undefined) {
    log("a rollback was interrupted; repeating it");
    return undo(activation, trial, trial.undo);
  }
  if (trial.boot === driver.boot()) {
    if (activation.decision.outcome === "held" && trial.mode === "switch") return takeBack(activation, trial);
    log("an update was interrupted; repeating it");
    // Fails on a full disk: the end of the trial could not be recorded either, so the trial would be repeated without end.
    writeTrial(driver.place.stateFolder, trial);
    return carryOut(activation, trial, true);
  }
  if (trial.since !== undefined && driver.bootedAnother?.(trial.path) === true) {
    const error = "the machine booted another system instead";
    return fail(activation, trial, { stage: "switch", error });
  }
  if (!driver.cameUp(trial.path)) {
    log(`an update was interrupted before ${what} was kept`);
    if (trial.mode === "switch" || trial.since === undefined) await driver.revertProfile(trial.path);
    const trialOver = leftOver(trial, driver);
    return { outcome: "deferred", error: "an update was cut short", rolledBack: false, passes: true, trialOver };
  }
  if (trial.mode === "boot") {
    log(`${what} booted; checking its health`);
    return verifyHealth(activation, trial);
  }
  // A boot continues after a failed activation; only a switch can say whether this activation failed.
  log(`${what} booted before its health was checked; switching to it again`);
  return carryOut(activation, trial, true);
}
