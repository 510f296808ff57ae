/**
 * The lock by which only one switch-to-configuration runs. It makes the file for everyone to read (nixpkgs'
 * pkgs/by-name/sw/switch-to-configuration-ng/src/main.rs), and everyone who can read a file can lock it: a user could keep every switch
 * from the machine, and every way back.
 */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { entries, isThere, linkTarget, remove } from "../host/files";
import { log } from "../host/log";
import { processes, realUser } from "../host/processes";

const switchLock = "/run/nixos/switch-to-configuration.lock";

/** Runs something that takes the lock, and again if it found the lock taken and no process of root's has it. */
export async function withSwitchLock<T>(
  run: () => Promise<T>,
  isTaken: (end: T) => boolean,
  file = switchLock,
): Promise<T> {
  const end = await run();
  if (!isTaken(end) || !isThere(file) || isHeldByRoot(file)) return end;
  log(`a user holds ${file}: making another one, for root alone`);
  try {
    remove(file);
    closeSync(openSync(file, "wx", 0o600));
  } catch {
    return end;
  }
  return run();
}

/** Whether a process of this one's user has the file open, as each that has locked it does. */
function isHeldByRoot(file: string): boolean {
  const own = process.getuid?.();
  return processes((pid) => (realUser(pid) === own && hasOpen(pid, file) ? pid : undefined)).length > 0;
}

function hasOpen(pid: number, file: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return (entries(folder) ?? []).some((fd) => linkTarget(join(folder, fd)) === file);
}
