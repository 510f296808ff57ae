/** Since when something waits, such as a revision for its turn: a file in the state folder. */
import type { Right } from "../../rules/decision/run-right";
import { readText, writeFileFsync } from "../host/files";

interface Wait {
  revision: string;
  since: Date;
  /** `head` if a run that may go to the branch's head waits. */
  right?: Right;
}

/** @returns undefined if nothing waits */
export function readWait(file: string): Wait | undefined {
  const [revision = "", time = "", right] = (readText(file) ?? "").trim().split(" ");
  const since = new Date(time);
  // A time in the future was written before the clock was set back.
  if (!(since <= new Date())) return undefined;
  return { revision, since, ...(right === "head" ? { right } : {}) };
}

/** An older agent reads the revision and the time. */
export function writeWait(file: string, { revision, since, right }: Wait): void {
  writeFileFsync(file, `${revision} ${since.toISOString()}${right === "head" ? " head" : ""}`);
}
