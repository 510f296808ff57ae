/** `check`: what an update would do now. */
import { attempt } from "../engine";
import { unfinishedTrial } from "../activation/activation";
import { type CommonDecision, type Driver, dryRequest, type Situation } from "../driver";
import { buildLink } from "../git/source";
import { remove } from "../host/files";
import { acquireLock } from "../host/lock";
import { Exit } from "../host/log";

/** Shows what an update would do now and how the closure would change. It switches nothing and saves nothing. */
export async function check<S extends Situation, D extends CommonDecision>(driver: Driver<S, D>): Promise<number> {
  const { place } = driver;
  driver.prepare();
  const lock = await acquireLock(place.lockFile, "a check");
  try {
    if (unfinishedTrial(driver) !== undefined)
      throw new Exit(1, "an update was interrupted; the next run finishes it first", "NF404");
    const { well } = await attempt(driver, { ...dryRequest, right: "head" });
    remove(buildLink(place, dryRequest));
    return well ? 0 : 1;
  } finally {
    lock.release();
  }
}
