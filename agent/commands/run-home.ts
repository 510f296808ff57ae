/**
 * `nixos-hm-auto-update run`: repeats until the machine has published nothing newer. systemd drops a change of the file that a path
 * unit watches while its service runs (systemd 41599).
 */
import type { HomesFile } from "../../rules/decision/decide-home";
import { mayHaveMissed } from "../../rules/missed-homes";
import { requester, type Requester, type Right, together } from "../../rules/decision/run-right";
import type { HomeDriver } from "../home/home";
import { homesFile, homesPublishedAt } from "../home/home-place";
import { acquireLock } from "../host/lock";
import { log } from "../host/log";
import type { RunOptions } from "../options";
import { readState } from "../state";
import { Progress } from "../report/progress";
import { endServing, writeServing } from "../serving";
import { isService, whoStarted } from "../trigger";
import { tryAttempt } from "../run-attempt";
import { readObject } from "../host/files";

/** @returns the exit status */
export async function runHome(driver: HomeDriver, options: RunOptions): Promise<number> {
  const { place } = driver;
  driver.prepare();
  const asked = await whoAsks(driver, options);
  log(`update of this home requested by ${asked.by}`);
  const service = isService();
  if (service) writeServing(place.runFolder, [asked]);
  const lock = await acquireLock(place.lockFile, asked.by);
  const progress = new Progress(place.runFolder, asked);
  let purpose: Pick<Requester, "right" | "person"> = asked;
  let how = options;
  try {
    for (;;) {
      const before = homesPublishedAt();
      progress.at("deciding");
      const result = await tryAttempt(driver, how, purpose, progress);
      if (homesPublishedAt() === before) return result.well ? 0 : 1;
      log("meanwhile the machine was updated");
      purpose = { right: machineRight(), person: false };
      how = { once: options.once, force: false };
    }
  } finally {
    if (service) endServing(place.runFolder);
    progress.end();
    lock.release();
  }
}

/** Which revisions the machine's run might go to. Older agents do not say, so any revision is allowed. */
function machineRight(): Right {
  const homes = readObject(homesFile) as HomesFile | undefined;
  return homes?.right === "approved" ? "approved" : "head";
}

async function whoAsks({ place }: HomeDriver, { by, trigger, wanted }: RunOptions): Promise<Requester> {
  if (by !== undefined || wanted !== undefined || trigger !== undefined)
    return { ...requester(trigger ?? "manual", by ?? place.user), right: "head" };
  const started = await whoStarted(place);
  if (started.length > 0) return together(started, place.user);
  const { state } = readState(place.stateFolder);
  // The same rule as root's, which starts the service if the home has missed what root published.
  if (mayHaveMissed(state.at, homesPublishedAt()))
    return { ...requester("watch", "the machine's update"), right: machineRight() };
  // Root also starts the service, so this may be no person.
  return { ...requester("manual", place.user), person: false };
}
