/** `reboot`: what the service's own timer starts, and what a run does at its end. Both hold the lock: a reboot is never scheduled during an update. */
import { tryLock } from "../host/lock";
import { log } from "../host/log";
import { rebootIfAllowed } from "../activation/reboot";
import type { Ending } from "../ending";
import type { SystemDriver } from "../system/system";
import type { SystemDecision } from "../../rules/decision/decide-system";

/** Reboots if that is needed and allowed, unless an update runs: that one decides at its end. */
export async function reboot(driver: SystemDriver): Promise<number> {
  driver.prepare();
  const lock = await tryLock(driver.place.lockFile, "the reboot timer");
  if (lock === undefined) {
    log("an update is running; it decides about the reboot at its end");
    return 0;
  }
  try {
    const decision = await driver.decideNow();
    const required = await driver.needsReboot({ outcome: "unchanged", rolledBack: false });
    await rebootIfAllowed(driver.rebootPlace(decision), required);
  } finally {
    lock.release();
  }
  return 0;
}

/** @param decision the run's own, which says whether the update was urgent; a hold may be newer */
export async function rebootAfterRun(driver: SystemDriver, decision: SystemDecision, ending: Ending): Promise<void> {
  const required = await driver.needsReboot(ending);
  const { held } = required ? driver.rebootPlace(await driver.decideNow()) : {};
  await rebootIfAllowed({ ...driver.rebootPlace(decision), ...(held === undefined ? {} : { held }) }, required);
}
