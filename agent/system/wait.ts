/** Since when a revision waits for something, such as its turn: a file in the state folder. */
import { readText, writeFileFsync } from "../host/files";

/** @returns undefined if the file is about another revision */
export function waitingSince(file: string, revision: string): Date | undefined {
  const [of, since = ""] = (readText(file) ?? "").trim().split(" ");
  const known = new Date(since);
  // A time in the future was written before the clock was set back.
  return of === revision && known <= new Date() ? known : undefined;
}

/** Records that the revision waits from now on. */
export function startWait(file: string, revision: string): Date {
  const now = new Date();
  writeFileFsync(file, `${revision} ${now.toISOString()}`);
  return now;
}
