/**
 * Lingering: systemd starts a user's units at boot, without a login. A home's updates need it, and a user who has no home here any more must
 * not have it from the agent. What someone else enabled is left alone.
 */
import { join } from "node:path";
import { entries, isThere, makeFolder, remove, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { run, succeeded } from "../host/process";
import { isUserName } from "./users";

/** Where logind remembers it, a file for each user. */
const lingerFolder = "/var/lib/systemd/linger";
/** A file for each user for whom the agent enabled it. */
const markFolder = (stateFolder: string) => join(stateFolder, "lingering");

async function loginctl(command: string, user: string): Promise<boolean> {
  return succeeded(await run("loginctl", [command, user], { timeout: 10_000 }));
}

export async function enableLingering(user: string, stateFolder: string, folder = lingerFolder): Promise<void> {
  if (!isThere(join(folder, user)) && (await loginctl("enable-linger", user))) mark([user], stateFolder);
}

function mark(users: readonly string[], stateFolder: string): void {
  const marks = markFolder(stateFolder);
  try {
    makeFolder(marks);
    for (const user of users) writeFileAtomic(join(marks, user), "");
  } catch {
    log(`could not write into ${marks}`);
  }
}

/** Units of these users then stop when their last session ends. No session is ended: someone may still work here. */
export async function endLingering(
  homes: readonly string[],
  stateFolder: string,
  folder = lingerFolder,
): Promise<void> {
  // Older agents left no marks, and enabled it for each of these who did not have it already.
  if (!isThere(markFolder(stateFolder))) {
    const lingering = homes.filter((user) => isUserName(user) && isThere(join(folder, user)));
    mark(lingering, stateFolder);
  }
  for (const user of (entries(markFolder(stateFolder)) ?? []).filter(isUserName)) {
    if (homes.includes(user)) continue;
    log(`${user} has no home here any more: disabling lingering`);
    // logind does not know a user whose account is gone.
    if (!(await loginctl("disable-linger", user))) remove(join(folder, user));
    remove(join(markFolder(stateFolder), user));
  }
}
