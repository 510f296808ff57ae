/**
 * A switch waits without limit for each user's manager, and users decide how long that takes: switch-to-configuration-ng starts itself
 * once for each of them, as a process of theirs, and waits for it. A user who takes too long is left out.
 */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { log } from "../host/log";
import { userNameOf } from "../home/users";
import { processes, processStat } from "../host/processes";
import { secondsFrom } from "../host/time";

/** How to recognise such a process among the others of the switch: by the variable that tells the process what it is. */
const MARK = "__NIXOS_SWITCH_TO_CONFIGURATION_PARENT_EXE=";
const POLL = 500;

/** Watches a switch that runs as a process group. @returns what ends the watch */
export function boundUserUnits(group: number): () => void {
  const limit = secondsFrom("NIXOS_AUTO_UPDATE_USER_TIMEOUT", 60);
  const since = new Map<number, number>();
  const timer = setInterval(() => {
    const running = usersIn(group);
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
  };
}

interface Member {
  pid: number;
  uid: number;
}

/** Such processes of other users in a process group. Reading the owner of a process's folder is cheaper than reading the rest of it. */
function usersIn(group: number): Member[] {
  const own = userInfo().uid;
  return processes((pid, uid) =>
    uid !== own && processStat(pid).group === group && isMarked(pid) ? { pid, uid } : undefined,
  );
}

const isMarked = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .some((entry) => entry.startsWith(MARK));

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
