/**
 * Nix's cache: clones of the repositories that it reads, and databases. It does not write them durably, so after a power cut git's objects
 * in it may be empty. Nix then fails at each evaluation until someone deletes the cache.
 */
import { diskProblem, gitFailure } from "./failure";

/** What Nix 2.18 to 2.31 (libfetchers/git.cc, git-utils.cc), libgit2 and git print about objects that they cannot read. */
const unreadable =
  /Git (?:object|revision|commit|tree|blob)|loose object|packfile|pack file|object file .* is empty|not a git repository/;

/** Whether an evaluation may have failed because its cache is damaged. A server that cannot be reached and a full disk explain it better. */
export function mayBeDamagedCache(text: string, cache: string): boolean {
  const disk = diskProblem(text);
  if (disk === "full" || disk === "read-only") return false;
  if (disk === undefined && gitFailure({ status: 1, text }) !== "unknown") return false;
  return text.includes(`${cache}/`) || unreadable.test(text);
}
