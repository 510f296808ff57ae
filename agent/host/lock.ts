/** One update at a time. A second process says who holds the lock, waits, and then decides again. */
import { closeSync, constants, lstatSync, openSync, readFileSync, ftruncateSync, writeSync } from "node:fs";
import { spawn } from "node:child_process";
import { remove } from "./files";
import { Exit, log, oneLine } from "./log";
import { now } from "./time";

/** Seconds: as long as the other run may take if it is the service's (nix/lib/units.nix). */
const PATIENCE = 6 * 3600;

interface Lock {
  release(): void;
}

/**
 * Takes the lock. The kernel releases it when this process ends, however it ends.
 * @param who who asks for the lock; a process that comes second prints it
 * @throws Exit if the other update does not end
 */
export async function acquireLock(file: string, who: string): Promise<Lock> {
  const fd = openLock(file);
  if (!(await flock(fd, ["--nonblock"]))) {
    log(`waiting: an update is running (${lockHolder(file) ?? "unknown"})`);
    if (!(await flock(fd, ["--timeout", String(PATIENCE)])))
      throw new Exit(1, "gave up waiting for the other update", "NF402");
    log("the other update has ended; deciding again");
  }
  return locked(fd, who);
}

/** Takes the lock if no other process has it. */
export async function tryLock(file: string, who: string): Promise<Lock | undefined> {
  const fd = openLock(file);
  if (await flock(fd, ["--nonblock"])) return locked(fd, who);
  closeSync(fd);
  return undefined;
}

function locked(fd: number, who: string): Lock {
  ftruncateSync(fd);
  writeSync(fd, `${who}, pid ${process.pid}, since ${now()}\n`, 0);
  return { release: () => closeSync(fd) };
}

/**
 * Only the owner may open it, since anyone who can read a file can also lock it. If everyone can write to the folder, anyone may have put
 * anything there; through a link the owner would write to another place.
 */
function openLock(file: string): number {
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there !== undefined && (!there.isFile() || there.uid !== process.geteuid?.())) remove(file);
  return openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}

/** Who holds the lock, as the holder wrote it there; `undefined` if there is no such text. */
export function lockHolder(file: string): string | undefined {
  try {
    return oneLine(readFileSync(file, "utf8").trim()) || undefined;
  } catch {
    return undefined;
  }
}

/** The lock belongs to the open file, so flock(1) takes it for this process and ends. */
function flock(fd: number, options: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("flock", [...options, "3"], { stdio: ["ignore", "ignore", "ignore", fd] });
    child.on("error", () => resolve(false));
    child.on("exit", (status) => resolve(status === 0));
  });
}
