/** The manager of a user's units, which must have started before a home is activated. */
import { isStarting, managerStart } from "../../rules/decision/manager-start";
import { log } from "../host/log";
import { managerStarted, managerState, systemctl, unitsWithJobs } from "../host/systemd";
import { sinceBoot, sleep } from "../host/time";

const POLL = 500;

/** Why an activation must wait for the manager; `undefined` if it need not. Waits for a few seconds first. */
export async function managerObstacle(service: string): Promise<string | undefined> {
  const begun = sinceBoot();
  for (;;) {
    const state = await managerState("user");
    const [age, jobs] = isStarting(state) ? [await managerAge(), await unitsWithJobs("user")] : [0, []];
    const next = managerStart({ state, jobs, service, age, waited: (sinceBoot() - begun) / 1000 });
    if (next === "activate") return undefined;
    if (next === "defer") return "the manager of this user's units has not started yet";
    await sleep(POLL);
  }
}

/** After an activation: Home Manager does not reload a manager that is still starting. */
export async function reloadStartingManager(): Promise<void> {
  if (!isStarting(await managerState("user"))) return;
  const reloaded = await systemctl("user", ["daemon-reload"]);
  const how = reloaded ? "it knows the new units" : "it does not reload its units";
  log(`the manager of this user's units is still starting: ${how}, and starts changed ones at the next login`);
}

/** Seconds since the manager's start; 0 if it does not say. */
async function managerAge(): Promise<number> {
  const started = await managerStarted("user");
  return started > 0 ? sinceBoot() / 1000 - started / 1_000_000 : 0;
}
