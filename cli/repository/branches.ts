/** From which branches of a repository a revision can be reached: what no branch has, nobody reviewed, and it may be anyone's. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError, messageOf } from "../errors";
import type { RunOptions } from "../program";
import { oneLine } from "../text";
import { git } from "./git";

/** What the repository may answer with is bounded in time, in seconds. */
const FETCH_SECONDS = 120;

/**
 * The names of the branches (`refs/heads/*`) that contain a revision, the named one first and the others in order. Only commits
 * are fetched, where the server can leave files out.
 * @param revision in full
 * @throws FleetError with git's own reason where the repository cannot be read
 */
export async function branchesWith(
  { repository, branch }: { repository: string; branch?: string },
  revision: string,
  runOptions: RunOptions,
): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), "fleet-branches-"));
  const limited = {
    ...runOptions,
    signal: AbortSignal.any([runOptions.signal, AbortSignal.timeout(FETCH_SECONDS * 1_000)]),
  };
  const run = (...args: string[]) => git(directory, args, limited);
  try {
    await run("init", "--quiet", "--bare");
    await run("fetch", "--quiet", "--filter=tree:0", "--no-tags", "--", repository, "+refs/heads/*:refs/heads/*");
    // A revision that no branch leads to did not come along, so git does not know it.
    const known = await run("cat-file", "-t", revision).catch(() => "");
    if (known.trim() !== "commit") return [];
    const names = await run("for-each-ref", `--contains=${revision}`, "--format=%(refname:lstrip=2)", "refs/heads/");
    const found = names.split("\n").filter((name) => name !== "");
    return [...found.filter((name) => name === branch), ...found.filter((name) => name !== branch)];
  } catch (error) {
    runOptions.signal.throwIfAborted();
    const why = limited.signal.aborted ? `no answer within ${FETCH_SECONDS} s` : messageOf(error);
    throw new FleetError(oneLine(`the branches of ${repository} cannot be read: ${why}`, 400));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Refuses a revision that no branch of the repository contains, such as one of a deleted branch or of a fork. Returns the branch to
 * name: the fleet's own where that contains it.
 * @throws FleetError
 */
export async function requireBranch(
  source: { repository: string; branch?: string },
  revision: string,
  runOptions: RunOptions,
): Promise<string> {
  const [first] = await branchesWith(source, revision, runOptions);
  if (first === undefined) {
    throw new FleetError(
      oneLine(
        `${revision} is on no branch of ${source.repository}; push it to one, or choose a revision that is on one`,
      ),
    );
  }
  return first;
}
