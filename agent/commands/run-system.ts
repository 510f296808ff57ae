/** `nixos-auto-update run`: repeats until no request is left, since a request that comes during a run may be newer than its decision. */
import { rightOf } from "../../rules/decision/run-right";
import type { RunRequest } from "../driver";
import { attempt, type AttemptResult } from "../engine";
import { acquireLock } from "../host/lock";
import { Exit, log } from "../host/log";
import type { RunOptions } from "../options";
import { Progress } from "../report/progress";
import { requesterNames, takeRequesters } from "../system/requesters";
import { pendingRequests, takeRequests } from "../requests";
import type { SystemDriver } from "../system/system";
import type { SystemSituation } from "../system/system-situation";
import type { SystemDecision } from "../../rules/decision/decide-system";
import { startServing } from "../home/homes";
import { rebootIfAllowed } from "../activation/reboot";
import { waitAfterBoot } from "../boot-wait";
import { retryLater } from "../retry";

type Result = AttemptResult<SystemSituation, SystemDecision>;

/** @returns the exit status */
export async function runSystem(driver: SystemDriver, options: RunOptions): Promise<number> {
  const { place } = driver;
  driver.prepare();
  const asked = await takeRequesters(place, options);
  log(`update requested by ${asked.by} (${asked.trigger})`);
  if (asked.trigger === "boot") await waitAfterBoot(place.runFolder);
  const lock = await acquireLock(place.lockFile, `${asked.trigger} by ${asked.by}`);
  const progress = new Progress(place.runFolder, asked);
  let result: Result;
  let { right, person } = asked;
  let patient = asked.trigger === "boot";
  try {
    for (;;) {
      progress.at("deciding");
      result = await tryAttempt(driver, options, { right, person, patient }, progress);
      if (pendingRequests(place.runFolder).length === 0) break;
      const more = takeRequests(place.runFolder);
      right = rightOf(
        more.map(({ trigger }) => trigger),
        "head",
      );
      person ||= more.some(({ trigger }) => trigger === "manual");
      patient = false;
      log(`meanwhile requested by ${requesterNames(more)} (${more.map(({ trigger }) => trigger).join(", ")})`);
    }
  } finally {
    progress.end();
    lock.release();
  }
  await afterwards(driver, result);
  return result.well ? 0 : 1;
}

async function afterwards(driver: SystemDriver, { decision, ending }: Result): Promise<void> {
  if (decision.settings.homes.length > 0) {
    await startServing();
  }
  await rebootIfAllowed(driver.rebootPlace(decision), await driver.needsReboot(ending));
}

/** An error without a name of its own most likely means a machine without memory or space. */
async function tryAttempt(
  driver: SystemDriver,
  { wanted, force, once }: RunOptions,
  asked: Pick<RunRequest, "right" | "person" | "patient">,
  progress: Progress,
): Promise<Result> {
  try {
    const stage = (name: string, revision?: string) => progress.at(name, revision);
    return await attempt(driver, { wanted, force, once, ...asked, dry: false, stage });
  } catch (error) {
    const why = "the update ended before it could say how";
    log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    if (!once) {
      await retryLater(driver.place, why, asked.right);
    }
    throw new Exit(1, why, "NF403");
  }
}
