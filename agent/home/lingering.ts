/**
 * Lingering: systemd starts a user's units at boot, without a login. A home's updates need it, and a user who has no home here any more must
 * not have it from the agent. What someone else enabled is left alone.
 */
import { join } from "node:path";
import { entries, isThere, makeFolder, remove, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { run, succeeded } from "../host/process";
import { systemctl } from "../host/systemd";
import { isUserName, userNameOf } from "./users";

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
    if (!(await loginctl("disable-linger", user))) await forget(user, join(folder, user));
    remove(join(markFolder(stateFolder), user));
  }
}

/**
 * For a user whose account is gone, for whom loginctl does nothing. logind still has a user whose units run, and does not notice that the
 * file is gone. It would stop the units of a user without a session.
 */
async function forget(user: string, file: string): Promise<void> {
  const { stdout } = await run("loginctl", ["list-users", "--no-legend"], { timeout: 10_000 });
  const listed = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const [uid] = listed.find(([, name, , state]) => name === user && state === "lingering") ?? [];
  remove(file);
  // Another account may have the number by now.
  if (uid === undefined || (await userNameOf(Number(uid))) !== undefined) return;
  await systemctl("system", ["stop", "--no-block", `user@${uid}.service`]);
}
