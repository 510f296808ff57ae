/**
 * `publish USER`: a home's report is its user's own claim. It is read as the user, up to the size of a report, and only if it has a
 * report's shape. Changes during the publishing of an earlier report are published after it, since systemd does not signal them again.
 */
import { join } from "node:path";
import { ReportsDisabled } from "../metadata-server";
import { contract } from "../../rules/contract";
import { publishable, type AgentState } from "../../rules/agent-state";
import { takeReport } from "../../rules/publishing-rate";
import { reportOf } from "../../rules/report";
import { readHomeState } from "../home/home-state";
import { readHomes, startRetry } from "../home/homes";
import { readObject, writeFileAtomic } from "../host/files";
import { Exit, log, oneLine } from "../host/log";
import { writeMetrics } from "../report/metrics";
import { homeKey, publish } from "../report/publish";
import { refreshCredential } from "../credentials/handover";
import type { SystemDriver } from "../system/system";
import { secondsFrom, sinceBoot, sleep } from "../host/time";
import { accountOf, type Account } from "../home/users";
import { parseObject } from "../../rules/text/json";
import { speaksSecondContract } from "../../rules/instance-metadata";

/** Milliseconds between two reports of one home. Its user may change its state without pause. */
const pause = () => secondsFrom("NIXOS_AUTO_UPDATE_PUBLISH_PAUSE", 5);
/** Pauses after which a home that changes without end may publish its next report. */
const PAUSES_OF_A_REPORT = 6;
const LONGEST_PAUSE = 600_000;

/** @param metricsFolder the folder for metrics that the system's settings name, if any */
export async function publishHome(driver: SystemDriver, user: string, metricsFolder?: unknown): Promise<number> {
  const account = await accountOf(user);
  if (account === undefined) throw new Exit(2, `publish: there is no user "${oneLine(user)}"`);
  const key = homeKey(user);
  let seen: string | undefined;
  for (let delay = pause(); ;) {
    const { state } = await readHomeState(account);
    const text = JSON.stringify(state ?? null);
    if (text === seen) return 0;
    if (state !== undefined) writeMetrics(metricsFolder, contract.units.home, state, user);
    const report = state && reportOf(publishable(state), { second: await knowsSecond(driver) });
    const wait = report === undefined ? 0 : untilMayPublish(driver.place.runFolder, user);
    if (wait > 0) {
      await sleep(wait);
      continue;
    }
    try {
      if (report === undefined) log(`home of ${user}: its state is not a valid report; nothing published`);
      else await publish(driver.metadata, driver.place.runFolder, key, report);
    } catch (error) {
      if (error instanceof ReportsDisabled) {
        log(`home of ${user}: ${error.message}`);
        // The same pause as after each report, because systemd starts this again at each change.
        await sleep(pause());
        return 0;
      }
      log(`home of ${user}: could not publish its report; trying again in ${Math.round(delay / 1000)} s`);
      await sleep(delay);
      delay = Math.min(delay * 2, LONGEST_PAUSE);
      continue;
    }
    seen = text;
    delay = pause();
    const renewed = await refreshed(driver, account, state);
    // The pause also applies if there was nothing to publish, because systemd starts this again at each change.
    await sleep(pause());
    // By now the home has arranged it.
    if (renewed) await startRetry(account);
  }
}

/** Takes a report from the home's budget. @returns how many milliseconds to wait if nothing is left; 0 if a report was taken */
function untilMayPublish(runFolder: string, user: string): number {
  const file = join(runFolder, `publishing-budget-${user}`);
  const taken = takeReport(readObject(file), sinceBoot(), PAUSES_OF_A_REPORT * pause());
  if ("wait" in taken) return taken.wait;
  writeFileAtomic(file, JSON.stringify(taken.left));
  return 0;
}

/** Whether the home has another credential now, after its repository refused the one that root had handed over. */
async function refreshed(driver: SystemDriver, account: Account, state: AgentState | undefined): Promise<boolean> {
  if (state?.outcome !== "failed" || state.stage !== "fetch") return false;
  const home = (readHomes().homes ?? []).find(({ user }) => user === account.name);
  return refreshCredential(driver.metadata, home);
}

/** Whether the readers of this VM's reports know the contract's second version. */
async function knowsSecond(driver: SystemDriver): Promise<boolean> {
  const text = await driver.metadata.get(`instance/attributes/${contract.instanceMetadata.key}`).catch(() => undefined);
  return speaksSecondContract(parseObject(text ?? ""));
}
