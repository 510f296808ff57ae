/**
 * `trigger`: for the forced command of a restricted account, and for people. Requests a run, waits, and prints how it ended. It succeeds
 * whatever came of the update: the VM has reported that, and gates and `fleet trigger` read the report. A failed trigger would end a
 * `pulumi up` for one VM's failure, even if the wave may have failures.
 */
import type { Trigger } from "../../rules/decision/run-right";
import { Exit, log, oneLine } from "../host/log";
import { startUntilTaken, writeRequest } from "../requests";
import type { SystemDriver } from "../system/system";
import { showStatus } from "./status";

/** Milliseconds: as long as the unit's own limit. */
const LONGEST = 6 * 3600 * 1000;

export async function trigger(driver: SystemDriver, asked: { trigger?: Trigger; by?: string }): Promise<number> {
  driver.prepare();
  const { runFolder, service } = driver.place;
  const by = oneLine(asked.by ?? process.env["SUDO_USER"] ?? "unknown");
  const request = { trigger: asked.trigger ?? "ssh", by };
  log(`requested by ${by}`);
  if (!(await startUntilTaken(service, writeRequest(runFolder, request), LONGEST)))
    throw new Exit(1, `${service}.service does not start`, "NF407");
  await showStatus(driver, false);
  const { nothingApproved, reason } = await driver.decideNow();
  if (nothingApproved) throw new Exit(1, `nothing is approved for this VM: ${reason}`, "NF408");
  return 0;
}
