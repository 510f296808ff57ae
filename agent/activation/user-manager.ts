/** The manager of a user's units, which must have started before a home is activated. */
import { isStarting, managerStart } from "../../rules/decision/manager-start";
import { log } from "../host/log";
import { run } from "../host/process";
import { systemctl } from "../host/systemd";
import { sinceBoot, sleep } from "../host/time";

const POLL = 500;

/** Why an activation must wait for the manager; `undefined` if it need not. Waits for a few seconds first. */
export async function managerObstacle(service: string): Promise<string | undefined> {
  const begun = sinceBoot();
  for (;;) {
    const state = await managerState();
    const [age, jobs] = isStarting(state) ? [await managerAge(), await unitsWithJobs()] : [0, []];
    const next = managerStart({ state, jobs, service, age, waited: (sinceBoot() - begun) / 1000 });
    if (next === "activate") return undefined;
    if (next === "defer") return "the manager of this user's units has not started yet";
    await sleep(POLL);
  }
}

/** After an activation that Home Manager did not tell the manager of. */
export async function reloadStartingManager(): Promise<void> {
  if (!isStarting(await managerState())) return;
  const reloaded = await systemctl("user", ["daemon-reload"]);
  const how = reloaded ? "it knows the new units" : "it does not reload its units";
  log(`the manager of this user's units is still starting: ${how}, and starts changed ones at the next login`);
}

async function managerState(): Promise<string> {
  return (await run("systemctl", ["--user", "is-system-running"], { timeout: 10_000 })).stdout.trim();
}

/** Seconds since the manager's start; 0 if it does not say. */
async function managerAge(): Promise<number> {
  const args = ["--user", "show", "--property=UserspaceTimestampMonotonic", "--value"];
  const microseconds = Number((await run("systemctl", args, { timeout: 10_000 })).stdout.trim());
  return microseconds > 0 ? sinceBoot() / 1000 - microseconds / 1_000_000 : 0;
}

async function unitsWithJobs(): Promise<string[]> {
  const args = ["--user", "list-jobs", "--plain", "--no-legend", "--full"];
  const { stdout } = await run("systemctl", args, { timeout: 10_000 });
  return stdout.split("\n").flatMap((line) => line.trim().split(/\s+/)[1] ?? []);
}
