/**
 * A switch waits without limit for each user's manager, and users decide how long that takes: switch-to-configuration-ng starts itself
 * once for each of them, as a process of theirs, and waits for it. A user who takes too long is left out.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { userInfo } from "node:os";
import { awaitedUsers, descendants, type RunningProcess } from "../../rules/decision/awaited-users";
import { log } from "../host/log";
import { userNameOf } from "../home/users";
import { processes, processStat, realUser } from "../host/processes";
import { secondsFrom } from "../host/time";

const POLL = 500;

/** @returns whether users kept the switch waiting for as long as one of them may */
type EndOfWatch = () => boolean;

/**
 * Watches a switch.
 * @param root its first process
 * @param program the switch-to-configuration that this process runs or starts
 */
export function boundUserUnits(root: number, program: string): EndOfWatch {
  const limit = secondsFrom("NIXOS_AUTO_UPDATE_USER_TIMEOUT", 60);
  const since = new Map<number, number>();
  let [running, waited, last] = [[] as RunningProcess[], 0, Date.now()];
  const timer = setInterval(() => {
    running = awaitedIn(root, program, running);
    if (running.length > 0) waited += Date.now() - last;
    last = Date.now();
    for (const uid of new Set(running.map((each) => each.uid))) {
      const first = since.get(uid) ?? Date.now();
      since.set(uid, first);
      if (Date.now() - first < limit) continue;
      since.delete(uid);
      void tell(uid, limit);
      for (const { pid } of running.filter((each) => each.uid === uid)) kill(pid);
    }
    for (const uid of since.keys()) if (!running.some((each) => each.uid === uid)) since.delete(uid);
  }, POLL);
  return () => {
    clearInterval(timer);
    return waited >= limit;
  };
}

function awaitedIn(root: number, program: string, before: RunningProcess[]): RunningProcess[] {
  const own = userInfo().uid;
  const started = descendants(
    root,
    processes((pid) => ({ pid, ...processStat(pid) })),
  );
  const tree = started.flatMap(({ pid, parent, startTicks }) => {
    const uid = realUser(pid);
    return uid === undefined ? [] : [{ pid, parent, startTicks, uid }];
  });
  const switching = tree.filter(({ pid, uid }) => uid === own && runs(pid, program));
  return awaitedUsers(tree, own, new Set(switching.map(({ pid }) => pid)), before);
}

/** Whether a process of root's runs a program: itself, or as the script that its interpreter was started with. */
function runs(pid: number, program: string): boolean {
  try {
    const [first, second] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return first === program || second === program || basename(readlinkSync(`/proc/${pid}/exe`)) === basename(program);
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

async function tell(uid: number, limit: number): Promise<void> {
  const user = (await userNameOf(uid)) ?? `the user ${uid}`;
  log(`the units of ${user} did not settle within ${Math.round(limit / 1000)} s; continuing without them`);
}
