/** Which branches of a repository contain a revision. A revision on no branch was not reviewed, and anyone may have made it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FleetError, UsageError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import type { RunOptions } from "../run-program";
import { oneLine } from "../../rules/text/text";
import { git } from "./git";

/** Seconds that the repository may take to answer. */
const FETCH_SECONDS = 120;

/** A commit, and a branch that contains it: the fleet's own branch if that contains it. */
export interface FoundRevision {
  /** The full revision. */
  revision: string;
  branch: string;
}

/**
 * The full revision for these first digits, or for this branch or tag. It must be on a branch of the repository.
 * @throws UsageError if it is not there, FleetError if the repository cannot be read
 */
export async function findRevision(
  { repository, branch }: { repository: string; branch?: string },
  written: string,
  runOptions: RunOptions,
): Promise<FoundRevision> {
  return withBranches(repository, runOptions, async (run) => {
    const [only, ...more] = await candidates(run, written);
    if (only === undefined) {
      throw new UsageError(
        `${repository} has no branch, tag or commit ${written} on a branch; git log shows the commits, git push brings yours there`,
      );
    }
    if (more.length > 0) {
      const all = [only, ...more].map((one) => one.slice(0, 12));
      throw new UsageError(`${written} is ambiguous in ${repository} (${all.join(", ")}); give more digits`);
    }
    const [first] = await containing(run, only, branch);
    if (first === undefined) {
      throw new UsageError(`${written} is on no branch of ${repository}; push it to one, or choose another revision`);
    }
    return { revision: only, branch: first };
  });
}

type Git = (command: string, options: string[], values?: string[]) => Promise<string>;

/** The commits that a text may mean. */
async function candidates(run: Git, written: string): Promise<string[]> {
  const commitOf = (name: string) => run("rev-parse", ["--verify", "--quiet"], [`${name}^{commit}`]).catch(() => "");
  const named = [await commitOf(`refs/heads/${written}`), await commitOf(`refs/tags/${written}`)];
  const isDigits = /^[0-9a-f]{4,40}$/.test(written);
  const objects = isDigits ? await run("rev-parse", [`--disambiguate=${written}`]).catch(() => "") : "";
  const commits = await Promise.all(
    objects
      .split("\n")
      .filter(Boolean)
      .map((one) => commitOf(one)),
  );
  return [...new Set([...named, ...commits].map((one) => one.trim()).filter((one) => one !== ""))];
}

/** The branches that contain a revision, the one named `first` before the others. */
async function containing(run: Git, revision: string, first: string | undefined): Promise<string[]> {
  // A revision that no branch contains was not fetched, so git does not know it.
  const type = await run("cat-file", ["-t"], [revision]).catch(() => "");
  if (type.trim() !== "commit") return [];
  const names = await run("for-each-ref", [`--contains=${revision}`, "--format=%(refname:lstrip=2)"], ["refs/heads/"]);
  const found = names.split("\n").filter((name) => name !== "");
  return [...found.filter((name) => name === first), ...found.filter((name) => name !== first)];
}

/** Runs git in a repository with all branches and tags, without files if the server can leave these out. */
async function withBranches<T>(repository: string, runOptions: RunOptions, use: (run: Git) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "fleet-branches-"));
  const signal = AbortSignal.any([runOptions.signal, AbortSignal.timeout(FETCH_SECONDS * 1_000)]);
  const run: Git = (command, options, values = []) =>
    git(directory, { command, options, values }, { ...runOptions, signal });
  try {
    try {
      await run("init", ["--quiet", "--bare"]);
      const refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
      await run("fetch", ["--quiet", "--filter=tree:0", "--no-tags"], [repository, ...refs]);
    } catch (error) {
      runOptions.signal.throwIfAborted();
      const why = signal.aborted ? `no answer within ${FETCH_SECONDS} s` : messageOf(error);
      throw new FleetError("NF205", oneLine(`the branches of ${repository} cannot be read: ${why}`, 400));
    }
    return await use(run);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
