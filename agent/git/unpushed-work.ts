/** A person's own clone of the repository that contains the home. An update must not switch away from work that is not pushed yet. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { exists, isErrno } from "../host/files";
import { git, gitErrorText } from "./git";
import { succeeded } from "../host/process";

/** Where Home Manager itself looks for a configuration. */
export const defaultClone = (home: string): string => join(home, ".config/home-manager");

/** How `git status --porcelain=v2 --branch` marks that there is no commit yet. */
const NO_COMMIT = "# branch.oid (initial)";

/**
 * What a clone has that the repository does not, and what its user can do; `undefined` if the update may continue. If git does not
 * answer, there may be work, so the update waits.
 */
export async function unpushedWork(clone: string): Promise<string | undefined> {
  if (ownerOf(clone) !== process.getuid?.() || !exists(join(clone, ".git"))) return undefined;
  const read = (...args: string[]) => git(["-C", clone, ...args], { ownConfig: true });
  const go = (without: string) => `and this home goes on by itself (run --force goes on without ${without})`;

  const status = await read("status", "--porcelain=v2", "--branch");
  const lines = status.stdout.split("\n").filter((line) => line !== "");
  const edited = lines.find((line) => !line.startsWith("# "));
  if (edited !== undefined)
    return `${clone} has edits that are not committed, such as ${pathIn(edited)}: commit and push them, or run git stash -u there, ${go("them")}`;
  if (succeeded(status) && lines.includes(NO_COMMIT)) return undefined;

  const log = succeeded(status)
    ? await read("log", "--max-count=1", "--format=%h", "HEAD", "--not", "--remotes")
    : status;
  if (!succeeded(log))
    return `cannot tell whether ${clone} has work that is not pushed (${gitErrorText(log)}): make git status work there, ${go("asking")}`;
  return log.stdout === "" ? undefined : `${clone} has commits that are not pushed: push them, ${go("them")}`;
}

/** Who owns the folder that the path leads to; `undefined` where there is none that the user can look at. */
function ownerOf(clone: string): number | undefined {
  try {
    return statSync(clone, { throwIfNoEntry: false })?.uid;
  } catch (error) {
    if (isErrno(error)) return undefined;
    throw error;
  }
}

/** The path in a line of `git status --porcelain=v2` (git-status(1)): after 8 fields of a change, 9 of a rename, 10 of a conflict. */
function pathIn(line: string): string {
  const fields = { "1": 8, "2": 9, u: 10 }[line.charAt(0)] ?? 1;
  return (line.split(" ").slice(fields).join(" ").split("\t")[0] ?? "").slice(0, 100);
}
