/** `hold` and `resume`: a person stops the updates of this machine or home, and lets them continue. */
import { userInfo } from "node:os";
import type { Driver } from "../driver";
import { Exit, log, oneLine } from "../host/log";
import { systemctl } from "../host/systemd";
import { now } from "../host/time";
import { removeHold, writeHold } from "../state";

/** Starts a run: it reports the hold, or updates if nothing holds it any more. */
async function startService({ place }: Pick<Driver, "place">): Promise<void> {
  await systemctl(place.manager, ["start", "--no-block", `${place.service}.service`]);
}

export async function hold(driver: Pick<Driver, "place">, words: readonly string[]): Promise<number> {
  const { program, stateFolder } = driver.place;
  const by = process.env["SUDO_USER"] ?? userInfo().username;
  try {
    writeHold(stateFolder, { by, why: oneLine(words.join(" ")), at: now() });
  } catch (error) {
    throw new Exit(
      1,
      `could not write ${stateFolder}/hold.json: ${error instanceof Error ? error.message : ""}`,
      "NF405",
    );
  }
  log(`held until "${program} resume"`);
  await startService(driver);
  return 0;
}

export async function resume(driver: Pick<Driver, "place">): Promise<number> {
  log(removeHold(driver.place.stateFolder) ? "no longer held" : "was not held on this machine");
  await startService(driver);
  return 0;
}
