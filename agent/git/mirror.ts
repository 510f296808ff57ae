/** A bare mirror of the repository. Only its owner writes it, and systems and homes are built from it. */
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { short } from "../../rules/contract";
import { sha256 } from "../host/digest";
import { isThere, remove } from "../host/files";
import { git, gitErrorText, GitError, gitRetry, NO_SUCH_BRANCH, type GitAccess, LONG_WORK } from "./git";
import { gitFailure, hasAnswered } from "../../rules/decision/failure";
import { flakeFile, flakeQuery } from "../../rules/decision/flake-place";
import { log } from "../host/log";
import { type Finished, succeeded } from "../host/process";
import { revisionOf } from "../../rules/listed-refs";

/** Where a mirror fetches from. `renew` gets another key or token after a refusal, if there is one by now. */
export interface Origin {
  url: string;
  branch: string;
  access: GitAccess;
  renew: () => Promise<GitAccess | undefined>;
}

/** The only ref that a fetch writes, whatever the branch's name is: a name `a` would block `a/b`. */
const FETCHED = "refs/nixos-fleet-fetched";
/** Each kept revision has a name of its own below this prefix, so that neither a forced push nor git's cleanup removes it. */
const KEPT = "refs/nixos-fleet/";
/** The repository's branches, if its usual one does not contain a revision. */
const BRANCHES = "refs/nixos-fleet-branches/";
/** Larger than any list of a repository's files or commits, and than any flake.lock. */
const LISTING_BYTES = 64 * 1024 * 1024;

export class Mirror {
  /** @param foreign whether it belongs to another user; git then needs `safe.directory` */
  constructor(
    readonly path: string,
    private readonly foreign = false,
  ) {}

  private git(args: readonly string[], options: { input?: string; keep?: number; timeout?: number } = {}) {
    const safe = this.foreign ? ["-c", `safe.directory=${this.path}`] : [];
    return git([...safe, `--git-dir=${this.path}`, ...args], options);
  }

  /**
   * Makes the mirror if there is none, or if something else is in its place.
   * @returns whether it has the revision. @throws GitError
   */
  private async open(revision: string): Promise<boolean> {
    const has = isThere(this.path) && (await this.hasIfRepository(revision));
    if (!isThere(this.path)) await this.must(["init", "--quiet", "--bare"]);
    // The process that works on the mirror holds the agent's own lock, so these files are from a killed process.
    for (const file of leftoversIn(this.path)) rmSync(file, { force: true });
    return has;
  }

  /** Whether the mirror has a revision. What is no repository is removed. @throws GitError */
  private async hasIfRepository(revision: string): Promise<boolean> {
    try {
      return await this.has(revision);
    } catch (error) {
      if (!(await this.refuses(["rev-parse", "--git-dir"]))) throw error;
      log(`${this.path} is no longer a repository; creating a new one`);
      remove(this.path);
      return false;
    }
  }

  /** Whether git says no. A git that was killed or hung gave no answer. @throws GitError */
  private async refuses(args: readonly string[]): Promise<boolean> {
    return !hasSucceeded(await this.git(args));
  }

  /** @throws GitError if git cannot determine it */
  async has(revision: string): Promise<boolean> {
    const finished = await this.git(["rev-parse", "--quiet", "--verify", `${revision}^{commit}`]);
    if (succeeded(finished)) return true;
    // git-rev-parse(1): with --quiet, a missing name gives status 1 and no message.
    if (finished.status === 1 && finished.limit === undefined) return false;
    throw new GitError("unknown", gitErrorText(finished));
  }

  /**
   * Fetches a revision that a branch of the repository contains. A server also hands out what is in a pull request or a fork. A damaged
   * mirror fails as if the repository were at fault, so the mirror is then made again.
   * @param anywhere whether no branch must contain it @throws GitError with the reason `absent` if none does
   */
  async fetch(origin: Origin, revision: string, { anywhere = false } = {}): Promise<void> {
    try {
      await this.tryFetch(origin, revision, anywhere);
      if (await this.isSound(revision)) return;
    } catch (error) {
      if (!(error instanceof GitError) || error.reason === "space" || (await this.isWhole())) throw error;
    }
    log(`${this.path} is damaged; creating a new one`);
    remove(this.path);
    await this.tryFetch(origin, revision, anywhere);
  }

  private async tryFetch(origin: Origin, revision: string, anywhere: boolean): Promise<void> {
    const keep = setRef(`${KEPT}${revision}`, `${revision}^{commit}`);
    // What is in a mirror on this machine was fetched by this rule.
    const free = anywhere || isOnThisMachine(origin.url);
    const has = await this.open(revision);
    if (!(has && (free || (await this.isContained(revision))))) {
      if (!isOnThisMachine(origin.url)) {
        const branch = `refs/heads/${origin.branch}`;
        await this.fetchInto(origin, `+${branch}:${FETCHED}`);
        if (succeeded(await this.updateRefs(isRef(FETCHED, revision), setRef(branch, FETCHED), keep))) return;
        await this.nameBranch(branch);
      }
      if (!free) await this.fetchBranches(origin, revision);
      else if (!(await this.has(revision))) await this.fetchInto(origin, `+${revision}:${FETCHED}`);
    }
    textOf(await this.updateRefs(keep));
  }

  /** Fetches all branches if the usual one does not contain a revision. @throws GitError with the reason `absent` if none contains it */
  private async fetchBranches(origin: Origin, revision: string): Promise<void> {
    if (await this.isContained(revision)) return;
    await this.fetchInto(origin, `+refs/heads/*:${BRANCHES}*`, "--prune");
    if (!(await this.isContained(revision))) throw new GitError("absent", `no branch contains ${short(revision)}`);
  }

  /** Whether a branch contains a revision, or one that was deployed from here does. @throws GitError if git cannot determine it */
  private async isContained(revision: string): Promise<boolean> {
    if (!(await this.has(revision))) return false;
    const contains = ["for-each-ref", "--count=1", `--contains=${revision}`, "--format=%(refname)"];
    return (await this.must([...contains, KEPT, "refs/heads/", BRANCHES])) !== "";
  }

  private async fetchInto(origin: Origin, refspec: string, ...options: string[]): Promise<void> {
    const { url, access, renew } = origin;
    // A repository on this machine may be someone else's, and git then needs `safe.directory`.
    const upload = isOnThisMachine(url) ? [`--upload-pack=git -c safe.directory=${url} upload-pack`] : [];
    // The time limit of this fetch counts from its last progress message.
    const fetch = ["fetch", "--progress", "--no-tags", "--no-auto-gc", "--no-write-fetch-head", ...options, ...upload];
    await gitRetry([`--git-dir=${this.path}`, ...fetch, "--", url, refspec], access, renew);
  }

  /** The only branch of the mirror, for clones and for older agents of homes. A conflicting name is deleted. */
  private async nameBranch(branch: string): Promise<void> {
    const name = setRef(branch, FETCHED);
    if (succeeded(await this.updateRefs(name))) return;
    for (const other of await this.refsBelow("refs/heads/")) await this.updateRefs(deleteRef(other));
    textOf(await this.updateRefs(name));
  }

  /** Makes all of these changes or none. */
  private async updateRefs(...changes: string[]): Promise<Finished> {
    return this.git(["update-ref", "--stdin", "-z"], { input: changes.join("") });
  }

  private async refsBelow(...prefixes: string[]): Promise<string[]> {
    return linesOf((await this.git(["for-each-ref", "--format=%(refname)", ...prefixes])).stdout);
  }

  private async must(args: readonly string[], options: { keep?: number } = {}): Promise<string> {
    return textOf(await this.git(args, options));
  }

  /** Whether all objects of a revision are there and complete. Objects are read as they are stored: no filter runs. */
  private async isSound(revision: string): Promise<boolean> {
    // Of the revision alone, without its history; fails if an object is not there.
    const list = ["rev-list", "--objects", "--no-walk", "--no-object-names", revision];
    const listed = await this.git(list, { keep: LISTING_BYTES });
    if (!hasSucceeded(listed)) return false;
    const input = listed.stdout;
    // git lists an object whose file is there. One whose header it cannot read is missing, too, and that is no failure of this command.
    const checked = await this.git(["cat-file", "--batch-check"], { input, keep: LISTING_BYTES });
    if (!hasSucceeded(checked) || / missing$/m.test(checked.stdout)) return false;
    return hasSucceeded(await this.git(["cat-file", "--batch"], { input, keep: 4096 }));
  }

  /** Its progress counts as a sign of life: a large repository takes minutes. */
  private async isWhole(): Promise<boolean> {
    return !(await this.refuses(["fsck", "--no-dangling", "--progress"]));
  }

  /** Whether the second revision is the first or one of its descendants. @throws GitError if git cannot determine it */
  async descends(ancestor: string, revision: string): Promise<boolean> {
    const finished = await this.git(["merge-base", "--is-ancestor", ancestor, revision]);
    if (finished.limit === undefined && (finished.status === 0 || finished.status === 1)) return finished.status === 0;
    // A revision that is not in the mirror has no known descendants.
    if (!(await this.has(ancestor))) return false;
    throw new GitError("unknown", gitErrorText(finished));
  }

  /** The text of a file at a revision; `undefined` if the revision has no such file. @throws GitError */
  async fileAt(revision: string, file: string): Promise<string | undefined> {
    const blob = await this.git(["cat-file", "blob", `${revision}:${file}`], { keep: LISTING_BYTES });
    if (succeeded(blob) || (await this.must(["ls-tree", revision, "--", file])) !== "") return textOf(blob);
    return undefined;
  }

  /** SHA-256 (hex) of `flake.lock` in the flake's folder at a revision; empty if there is none. @throws GitError */
  async lockDigest(revision: string, subdirectory?: string): Promise<string> {
    const text = await this.fileAt(revision, flakeFile(subdirectory, "flake.lock"));
    return text === undefined ? "" : sha256(text);
  }

  /** Commits that one revision contains and another does not. @throws GitError */
  async commitsBetween(deployed: string, revision: string): Promise<string[]> {
    return linesOf(await this.must(["rev-list", revision, `^${deployed}`], { keep: LISTING_BYTES }));
  }

  /** The number of commits by which the branch, as last fetched, is ahead of a revision; `undefined` if unknown. */
  async ahead(branch: string, revision: string): Promise<number | undefined> {
    const counted = await this.git(["rev-list", "--count", `${revision}..refs/heads/${branch}`]);
    return succeeded(counted) ? Number(counted.stdout) : undefined;
  }

  /** A kept revision's flake, as Nix names it. */
  flake(revision: string, subdirectory?: string): string {
    return `git+file://${this.path}?ref=${KEPT}${revision}&rev=${revision}${flakeQuery(subdirectory)}`;
  }

  /** An attribute of that flake, as an installable of Nix. */
  installable(revision: string, attribute: string, subdirectory?: string): string {
    return `${this.flake(revision, subdirectory)}#${attribute}`;
  }

  /** Forgets all revisions except these. */
  async prune(keep: readonly (string | undefined)[]): Promise<void> {
    const isKept = (name: string) => name.startsWith(KEPT) && keep.includes(name.slice(KEPT.length));
    const old = (await this.refsBelow(KEPT, BRANCHES)).filter((name) => !isKept(name));
    if (old.length > 0) await this.updateRefs(...old.map(deleteRef));
    await this.git(["gc", "--auto", "--quiet"], { timeout: LONG_WORK });
  }
}

/** The present head of the repository's branch. @throws GitError with the reason `absent` if it has no such branch */
export async function branchHead({ url, branch, access, renew }: Origin): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const { stdout } = await gitRetry(["ls-remote", "--exit-code", "--", url, ref], access, renew);
  const head = revisionOf(ref, stdout);
  if (head !== undefined) return head;
  // git may list only references whose names end in the same words.
  if (stdout.includes("\trefs/")) throw new GitError("absent", `there is no ${ref}`);
  throw new GitError("network", "the repository's answer is not readable");
}

/** Whether the repository's server answers now, asked once: also that it refuses, is busy, or has no such branch. */
export async function answers({ url, branch, access }: Origin): Promise<boolean> {
  const args = ["ls-remote", "--exit-code", "--", url, `refs/heads/${branch}`];
  const finished = await git(args, { access, silence: 15_000 });
  return (
    succeeded(finished) || finished.status === NO_SUCH_BRANCH || hasAnswered({ ...finished, text: finished.stderr })
  );
}

/** A change, as git-update-ref(1) reads it with `-z`: whatever the reference pointed to before. */
const setRef = (name: string, target: string) => `update ${name}\0${target}\0\0`;
const isRef = (name: string, target: string) => `verify ${name}\0${target}\0`;
const deleteRef = (name: string) => `delete ${name}\0\0`;

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

/** What git printed. @throws GitError if it failed */
function textOf(finished: Finished): string {
  if (succeeded(finished)) return finished.stdout;
  const cause = gitFailure({ ...finished, text: finished.stderr });
  throw new GitError(cause === "space" ? cause : "unknown", gitErrorText(finished));
}

/** Whether git succeeded. A git that was killed or hung does not show that anything is damaged. @throws GitError */
function hasSucceeded(finished: Finished): boolean {
  if (finished.status === undefined || finished.limit !== undefined)
    throw new GitError("unknown", gitErrorText(finished));
  return finished.status === 0;
}

const isOnThisMachine = (url: string) => url.startsWith("/");

/** What only a running git needs: its lock files, and half-written packs and objects, each of which can be as large as the repository. */
function leftoversIn(folder: string): string[] {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".lock") || /^objects\/(?:.*\/)?(?:tmp_|\.tmp-)[^/]*$/.test(name))
    .map((name) => join(folder, name));
}
