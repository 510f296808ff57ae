/** A person's own clone of what her home is made from: what is in it and not yet pushed must not be switched away from. */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { exists } from "./files";
import { git } from "./git";
import { succeeded } from "./process";

/** Where Home Manager itself looks for a configuration. */
export const defaultClone = (home: string): string => join(home, ".config/home-manager");

/** What a clone has that the repository does not, and what its user can do; `undefined` where the update may go on. */
export async function unpushedWork(clone: string): Promise<string | undefined> {
  const there = lstatSync(join(clone, "."), { throwIfNoEntry: false });
  if (there?.uid !== process.getuid?.() || !exists(join(clone, ".git"))) return undefined;
  const read = async (...args: string[]) => {
    const finished = await git(["-C", clone, ...args], { ownConfig: true });
    return succeeded(finished) ? finished.stdout : "";
  };
  const go = "and this home goes on by itself (run --force goes on without them)";
  if ((await read("status", "--porcelain")) !== "")
    return `${clone} has edits that are not committed: commit and push them, or stash them, ${go}`;
  if ((await read("log", "--max-count=1", "--format=%h", "HEAD", "--not", "--remotes")) !== "")
    return `${clone} has commits that are not pushed: push them, ${go}`;
  return undefined;
}
