/** `nixos-auto-update run`. The service's repeats until no request is left and none of its timers has fired meanwhile: what comes during a run may be newer than its decision. */
import { together } from "../../rules/decision/run-right";
import type { AttemptResult } from "../engine";
import { acquireLock } from "../host/lock";
import { log } from "../host/log";
import type { RunOptions } from "../options";
import { Progress } from "../report/progress";
import { servesRequests, takeRequesters, whoStartedRun } from "../system/requesters";
import { pendingRequests, readRequests } from "../requests";
import { endServing, writeServing } from "../serving";
import type { SystemDriver } from "../system/system";
import type { SystemSituation } from "../system/system-situation";
import { endWindowWait } from "../system/window";
import type { SystemDecision } from "../../rules/decision/decide-system";
import { startServing } from "../home/homes";
import { rebootAfterRun } from "./reboot";
import { waitAfterBoot } from "../boot-wait";
import { type Purpose, tryAttempt } from "../run-attempt";
import { timersDuringRun } from "../trigger";

type Result = AttemptResult<SystemSituation, SystemDecision>;

/** @returns the exit status */
export async function runSystem(driver: SystemDriver, options: RunOptions): Promise<number> {
  const { place } = driver;
  const { runFolder } = place;
  driver.prepare();
  const serves = servesRequests(options);
  const started = await whoStartedRun(place, options);
  const first = together(serves ? [...readRequests(pendingRequests(runFolder)), ...started] : started);
  const firedMeanwhile = timersDuringRun(place);
  if (serves) writeServing(runFolder, started);
  log(`update requested by ${first.by} (${first.trigger})`);
  if (first.trigger === "boot") await waitAfterBoot(runFolder);
  const lock = await acquireLock(place.lockFile, `${first.trigger} by ${first.by}`);
  const progress = new Progress(runFolder, first);
  let result: Result;
  try {
    progress.at("deciding");
    const patient = first.trigger === "boot";
    const asked = together(serves ? takeRequesters(runFolder, started) : started);
    result = await update(driver, options, { ...asked, patient }, progress);
    for (;;) {
      const fired = serves ? await firedMeanwhile() : [];
      if (!serves || pendingRequests(runFolder).length + fired.length === 0) break;
      progress.at("deciding");
      const more = together(takeRequesters(runFolder, fired));
      log(`meanwhile requested by ${more.by} (${more.trigger})`);
      const { once } = options;
      result = await update(driver, { once, force: false }, { ...more, patient: false }, progress);
    }
    await afterwards(driver, result);
  } finally {
    if (serves) endServing(runFolder);
    progress.end();
    lock.release();
  }
  return result.well ? 0 : 1;
}

async function update(
  driver: SystemDriver,
  options: RunOptions,
  purpose: Purpose,
  progress: Progress,
): Promise<Result> {
  const result = await tryAttempt(driver, options, purpose, progress);
  endWindowWait(driver.place.stateFolder, purpose.right, result.ending);
  return result;
}

async function afterwards(driver: SystemDriver, { decision, ending }: Result): Promise<void> {
  if (decision.settings.homes.length > 0) await startServing();
  await rebootAfterRun(driver, decision, ending);
}
