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
import { pendingRequests, readRequests } from "../requests";
import { servesRequests, takeRequesters } from "../system/requesters";
import { isService, timersDuringRun, whoStarted } from "../trigger";
import { tryAttempt } from "../run-attempt";
import { readObject } from "../host/files";

/** @returns the exit status */
export async function runHome(driver: HomeDriver, options: RunOptions): Promise<number> {
  const { place } = driver;
  const asked = await whoAsks(driver, options);
  log(`update of this home requested by ${asked.by}`);
  const serves = servesRequests(options);
  if (serves) writeServing(place.runFolder, [asked]);
  const lock = await acquireLock(place.lockFile, asked.by);
  const progress = new Progress(place.runFolder, asked);
  const firedMeanwhile = timersDuringRun(place);
  let how = options;
  try {
    let purpose = serves ? together(takeRequesters(place.runFolder, [asked])) : asked;
    for (;;) {
      const before = homesPublishedAt();
      progress.at("deciding");
      const result = await tryAttempt(driver, how, purpose, progress);
      const published = homesPublishedAt() === before ? [] : [machinesUpdate()];
      const more = serves ? takeRequesters(place.runFolder, [...published, ...(await firedMeanwhile())]) : published;
      if (more.length === 0) return result.well ? 0 : 1;
      purpose = together(more);
      log(`meanwhile requested by ${purpose.by}`);
      how = { once: options.once, force: false };
    }
  } finally {
    if (serves) endServing(place.runFolder);
    progress.end();
    lock.release();
  }
}

function machinesUpdate(): Requester {
  return { ...requester("watch", "the machine's update"), right: machineRight() };
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
  const requests = isService() ? readRequests(pendingRequests(place.runFolder)) : [];
  if (started.length + requests.length > 0) return together([...requests, ...started], place.user);
  const { state } = readState(place.stateFolder);
  // The same rule as root's, which starts the service if the home has missed what root published.
  if (mayHaveMissed(state.at, homesPublishedAt())) return machinesUpdate();
  // Root also starts the service, so this may be no person.
  return { ...requester("manual", place.user), person: false };
}
