/** Repository → the revision that a rollout approves, and its lock. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, ExecaError } from "execa";
import { lockProblem } from "../../rules/flake-lock-file";
import { digest } from "../config/digest";

/** What a branch's head is now. */
export interface Revision {
  /** Full git revision, 40 hex digits. */
  revision: string;
  /** SHA-256 of the bytes of `flake.lock` at that revision, 64 hex digits. */
  lock: string;
  /** The text of that file. */
  lockText: string;
}

/** A repository that does not answer within this time counts as unreachable. */
const FETCH_SECONDS = 60;

/**
 * The head of `branch` and its lock, by a fetch of that one commit. Never asks for a password.
 * @throws Error with one line that says which repository or branch could not be read, and git's own reason; or that what is there cannot
 * be approved, since its `flake.lock` is not a lock that a VM could build
 */
export async function resolveRevision(repository: string, branch: string): Promise<Revision> {
  const head = await fetchCommit(repository, `refs/heads/${branch}`).catch((error: unknown) => {
    throw new Error(`cannot read branch "${branch}" of ${repository}: ${reason(error)}`, { cause: error });
  });
  const problem = head.isLink ? "flake.lock is a symbolic link; commit the file itself" : lockProblem(head.lockText);
  if (problem !== undefined) {
    const where = `${head.revision.slice(0, 7)}, the head of branch "${branch}" of ${repository}`;
    throw new Error(`${where}, cannot be approved: ${problem}`);
  }
  return { revision: head.revision, lock: head.lock, lockText: head.lockText };
}

/** The text of `flake.lock` at a revision; undefined where the repository does not give it. */
export async function lockTextAt(repository: string, revision: string): Promise<string | undefined> {
  return fetchCommit(repository, revision).then(
    ({ lockText }) => lockText,
    () => undefined,
  );
}

/** The commit, and whether its `flake.lock` is a symbolic link, which neither Nix nor a digest of its text would follow. */
async function fetchCommit(repository: string, ref: string): Promise<Revision & { isLink: boolean }> {
  const directory = mkdtempSync(join(tmpdir(), "nixos-fleet-revision-"));
  const git = execa({
    cwd: directory,
    env: { GIT_TERMINAL_PROMPT: "0", GIT_SSH_COMMAND: process.env["GIT_SSH_COMMAND"] ?? "ssh -o BatchMode=yes" },
    timeout: FETCH_SECONDS * 1000,
    encoding: "buffer",
    stripFinalNewline: false,
  });
  try {
    await git`git init --quiet --bare`;
    await git`git fetch --quiet --depth=1 ${repository} ${ref}`;
    const { stdout: head } = await git`git rev-parse FETCH_HEAD`;
    const { stdout: lock } = await git`git show FETCH_HEAD:flake.lock`;
    const { stdout: entry } = await git`git ls-tree FETCH_HEAD flake.lock`;
    return {
      isLink: Buffer.from(entry).toString().startsWith("120000 "),
      revision: Buffer.from(head).toString().trim(),
      lock: digest(lock),
      lockText: Buffer.from(lock).toString(),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** git's own last words, on one line. */
function reason(error: unknown): string {
  if (!(error instanceof ExecaError)) return String(error);
  if (error.timedOut) return `no answer within ${FETCH_SECONDS} s`;
  const words = Buffer.from((error.stderr as Uint8Array | undefined) ?? [])
    .toString()
    .split("\n")
    .find((line) => /^(fatal|error):/.test(line));
  return words ?? error.shortMessage;
}

/** Whether a clone at `directory` has a `flake.lock` that differs from the pushed one; `false` where there is none. */
export function localLockDiffers(directory: string, pushed: Revision): boolean {
  const path = join(directory, "flake.lock");
  return existsSync(path) && digest(readFileSync(path)) !== pushed.lock;
}
