/** Starts and ends the daemon that is the local cloud. */
import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { project, type State } from "./paths";

const START_SECONDS = 30;

/** The process id of the state directory's daemon, if it runs. If another process has this id by now, the id does not count. */
export function runningDaemon(state: State): number | undefined {
  if (!existsSync(state.daemonPid)) return undefined;
  const pid = Number(readFileSync(state.daemonPid, "utf8"));
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return commandLine.includes("local/daemon.") && commandLine.includes(state.directory) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Starts the daemon if none runs and waits until it serves. @throws with the end of its log if it does not */
export async function startDaemon(state: State, image: string): Promise<void> {
  if (runningDaemon(state) !== undefined) return;
  rmSync(state.daemonInfo, { force: true });
  const log = openSync(state.daemonLog, "a");
  const child = spawn(join(project, "tools/run-program"), ["local/daemon.ts", state.directory, image], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.unref();
  for (let waited = 0; waited < START_SECONDS * 10; waited++) {
    if (existsSync(state.daemonInfo)) return;
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  const words = readFileSync(state.daemonLog, "utf8").trimEnd().split("\n").slice(-5).join("\n");
  throw new Error(`the local cloud's daemon did not start; the end of ${state.daemonLog}:\n${words}`);
}

/** Kills the daemon, if one runs; resolves when it is gone. The caller must clean up what its machines leave. */
export async function killDaemon(state: State): Promise<void> {
  const pid = runningDaemon(state);
  if (pid === undefined) return;
  process.kill(pid, "SIGKILL");
  while (runningDaemon(state) !== undefined) await sleep(20);
}
