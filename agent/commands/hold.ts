/** `hold` and `resume`: a person stops the updates of this machine or home, and lets them continue. */
import { userInfo } from "node:os";
import type { Driver } from "../driver";
import { Exit, log, oneLine } from "../host/log";
import { now } from "../host/time";
import { startInBackground, writeRequest } from "../requests";
import { removeHold, writeHold } from "../state";

const personOf = () => process.env["SUDO_USER"] ?? userInfo().username;

/**
 * Requests a run: it reports the hold, or updates if nothing holds it any more. A run that is under way looks for holds again only after
 * its build, and may be past that.
 */
async function requestRun({ place }: Pick<Driver, "place">): Promise<void> {
  const { manager, service, runFolder } = place;
  await startInBackground(manager, service, writeRequest(runFolder, { trigger: "manual", by: personOf() }));
}

export async function hold(driver: Pick<Driver, "place" | "prepare">, words: readonly string[]): Promise<number> {
  const { program, stateFolder } = driver.place;
  try {
    driver.prepare();
    writeHold(stateFolder, { by: personOf(), why: oneLine(words.join(" ")), at: now() });
  } catch (error) {
    throw new Exit(
      1,
      `could not write ${stateFolder}/hold.json: ${error instanceof Error ? error.message : ""}`,
      "NF405",
    );
  }
  log(`held until "${program} resume"`);
  await requestRun(driver);
  return 0;
}

export async function resume(driver: Pick<Driver, "place" | "prepare">): Promise<number> {
  driver.prepare();
  log(removeHold(driver.place.stateFolder) ? "no longer held" : "was not held on this machine");
  await requestRun(driver);
  return 0;
}
