/** `bootstrap`: ordinary runs at the first boot until one has deployed something. The startup script starts it once. */
import { join } from "node:path";
import { readMetadata } from "../../rules/metadata";
import { isThere, writeFileFsync } from "../host/files";
import { Exit, log } from "../host/log";
import { readState } from "../state";
import type { SystemDriver } from "../system/system";
import { now, sleep } from "../host/time";
import { moveBaseline } from "../watch-baseline";
import { runSystem } from "./run-system";

/** Seconds at most between two attempts; a change of the approval ends the wait. */
const PAUSE = 300;
/** The same if something was only unreachable. */
const SHORT_PAUSE = 15;

export async function bootstrap(driver: SystemDriver): Promise<number> {
  driver.prepare();
  const { stateFolder } = driver.place;
  const done = join(stateFolder, "bootstrapped");
  if (isThere(done)) throw new Exit(0, "this machine has had its first update");
  for (;;) {
    const options = { trigger: "boot", by: "the startup script", once: true, force: false } as const;
    try {
      await runSystem(driver, options);
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      log(error.message);
    }
    const { state } = readState(stateFolder);
    if ((state.revision ?? "") !== "") break;
    log("nothing is deployed yet; waiting for a change");
    const soon = state.stage === "fetch" || state.outcome === undefined;
    await changed(driver, soon ? SHORT_PAUSE : PAUSE);
  }
  writeFileFsync(done, now());
  log("the first update is done");
  return 0;
}

/** Waits until something that concerns this VM has changed, or for this many seconds. */
async function changed({ metadata, place }: SystemDriver, seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000;
  let etag: string | undefined;
  while (Date.now() < end) {
    const left = Math.max(1, Math.ceil((end - Date.now()) / 1000));
    try {
      etag = await metadata.waitForChange(etag, left);
    } catch {
      etag = undefined;
      await sleep(Math.min(5000, left * 1000));
      continue;
    }
    const answer = readMetadata(await metadata.answers(), true);
    if (answer.kind !== "present" && answer.kind !== "absent") continue;
    if (moveBaseline(place.runFolder, answer) !== false) return;
    // The server is asked at most once a second, whatever it answers.
    await sleep(1000);
  }
}
