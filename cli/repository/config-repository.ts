/** The config repository as the operator's tool reads it: a clone on this machine or, where that lacks a commit, fetched for the occasion. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError, messageOf } from "../errors";
import type { Source } from "../fleet";
import { git } from "./git";
import type { Commit } from "./nix";
import type { RunOptions } from "../program";
import { oneLine } from "../text";

/** A repository on this machine. */
export type LocalRepository = Omit<Commit, "revision">;

/** A repository that has the commits of these revisions, while `use` needs it. @throws FleetError where they cannot be had */
export async function withCommits<T>(
  revisions: readonly string[],
  { clone, source }: { clone: string; source: Source | undefined },
  runOptions: RunOptions,
  use: (repository: LocalRepository) => Promise<T>,
): Promise<T> {
  const top = await cloneWith(clone, revisions, runOptions);
  if (top !== undefined) {
    return use({ directory: top });
  }
  if (source === undefined) {
    throw new FleetError(`${oneLine(clone, 200)} is no clone that has these commits; --clone names one`);
  }
  const directory = mkdtempSync(join(tmpdir(), "fleet-config-"));
  try {
    await git(directory, ["init", "--quiet", "--bare"], runOptions);
    await git(directory, ["fetch", "--quiet", "--depth=1", "--", source.repository, ...revisions], runOptions);
    return await use({ directory, shallow: true });
  } catch (error) {
    const wanted = runOptions.signal.aborted ? undefined : /^git fetch: (.*)$/.exec(messageOf(error))?.[1];
    throw wanted === undefined
      ? error
      : new FleetError(oneLine(`${source.repository} does not give these commits (${wanted}); --clone names one`, 400));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The top of the clone that has all of them, undefined where it lacks one or is none. */
async function cloneWith(
  clone: string,
  revisions: readonly string[],
  runOptions: RunOptions,
): Promise<string | undefined> {
  try {
    for (const revision of revisions) await git(clone, ["cat-file", "-e", `${revision}^{commit}`], runOptions);
    return (await git(clone, ["rev-parse", "--show-toplevel"], runOptions)).trim();
  } catch {
    runOptions.signal.throwIfAborted();
    return undefined;
  }
}

/** The full revision of a branch's head. @throws FleetError with git's own reason */
export async function headOf({ repository, branch }: Source, runOptions: RunOptions): Promise<string> {
  const text = await git(tmpdir(), ["ls-remote", "--", repository, `refs/heads/${branch}`], runOptions);
  const [revision] = text.split("\t");
  if (revision === undefined || revision === "") {
    throw new FleetError(oneLine(`${repository} has no branch ${branch}`, 300));
  }
  return revision;
}

/** The text of `flake.lock` at a commit; undefined where it has none. */
export async function lockAt({ directory, revision }: Commit, runOptions: RunOptions): Promise<string | undefined> {
  return git(directory, ["show", `${revision}:flake.lock`], runOptions).catch(() => undefined);
}

/** The names of the files that differ between two commits, apart from `flake.lock`. */
export async function filesBetween(from: Commit, to: Commit, runOptions: RunOptions): Promise<string[]> {
  const range = [from.revision, to.revision, "--", ".", ":(exclude)flake.lock"];
  const text = await git(from.directory, ["diff", "--name-only", "-z", ...range], runOptions);
  return text.split("\0").filter((name) => name !== "");
}
