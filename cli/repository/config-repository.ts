/** The config repository as the operator's tool reads it: a clone on this machine or, if that lacks a commit, a temporary fetch. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import type { Source } from "../fleet";
import { flakeFile } from "../../rules/decision/flake-place";
import { revisionOf } from "../../rules/listed-refs";
import { git } from "./git";
import type { Commit } from "./nix";
import type { RunOptions } from "../run-program";
import { oneLine } from "../../rules/text/text";

/** A repository on this machine. */
type LocalRepository = Omit<Commit, "revision">;

/** A repository that has the commits of these revisions, for as long as `use` runs. @throws FleetError if they are not available */
export async function withCommits<T>(
  revisions: readonly string[],
  { clone, source }: { clone: string; source: Source | undefined },
  runOptions: RunOptions,
  use: (repository: LocalRepository) => Promise<T>,
): Promise<T> {
  const flake = source?.subdirectory === undefined ? {} : { subdirectory: source.subdirectory };
  const top = await cloneWith(clone, revisions, runOptions);
  if (top !== undefined) {
    return use({ directory: top, ...flake });
  }
  if (source === undefined) {
    throw new FleetError("NF206", `${oneLine(clone, 200)} is not a clone with these commits; name one with --clone`);
  }
  const directory = mkdtempSync(join(tmpdir(), "fleet-config-"));
  try {
    await git(directory, { command: "init", options: ["--quiet", "--bare"] }, runOptions);
    const values = [source.repository, ...revisions];
    await git(directory, { command: "fetch", options: ["--quiet", "--depth=1"], values }, runOptions);
    return await use({ directory, shallow: true, ...flake });
  } catch (error) {
    const wanted = runOptions.signal.aborted ? undefined : /^git fetch: (.*)$/.exec(messageOf(error))?.[1];
    throw wanted === undefined
      ? error
      : new FleetError(
          "NF205",
          oneLine(`${source.repository} does not have these commits (${wanted}); name a clone with --clone`, 400),
        );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The top of the clone if it has all of them; undefined if it lacks one or is no clone. */
async function cloneWith(
  clone: string,
  revisions: readonly string[],
  runOptions: RunOptions,
): Promise<string | undefined> {
  try {
    for (const revision of revisions)
      await git(clone, { command: "cat-file", options: ["-e"], values: [`${revision}^{commit}`] }, runOptions);
    return (await git(clone, { command: "rev-parse", options: ["--show-toplevel"] }, runOptions)).trim();
  } catch {
    runOptions.signal.throwIfAborted();
    return undefined;
  }
}

/** The full revision of a branch's head. @throws FleetError with git's own reason */
export async function headOf({ repository, branch }: Source, runOptions: RunOptions): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const text = await git(tmpdir(), { command: "ls-remote", values: [repository, ref] }, runOptions);
  const revision = revisionOf(ref, text);
  if (revision === undefined) {
    throw new FleetError("NF205", oneLine(`${repository} has no branch ${branch}`, 300));
  }
  return revision;
}

/** The text of `flake.lock` at a commit; undefined if it has none. */
export async function lockAt(
  { directory, revision, subdirectory }: Commit,
  runOptions: RunOptions,
): Promise<string | undefined> {
  const values = [`${revision}:${flakeFile(subdirectory, "flake.lock")}`];
  return git(directory, { command: "show", values }, runOptions).catch(() => undefined);
}

/** The names of the files that differ between two commits, except `flake.lock`. */
export async function filesBetween(from: Commit, to: Commit, runOptions: RunOptions): Promise<string[]> {
  const lock = `:(exclude)${flakeFile(from.subdirectory, "flake.lock")}`;
  const range = { values: [from.revision, to.revision], paths: [".", lock] };
  const text = await git(from.directory, { command: "diff", options: ["--name-only", "-z"], ...range }, runOptions);
  return text.split("\0").filter((name) => name !== "");
}
