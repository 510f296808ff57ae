/** Finds the revision that a rollout approves, and its lock, in a repository. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, ExecaError } from "execa";
import { lockProblem } from "../../rules/lock/flake-lock-file";
import { flakeFile } from "../../rules/decision/flake-place";
import { childEnvironment } from "../../rules/child-environment";
import { gitReason } from "../../rules/git-answer";
import { gitArguments, type GitCommand } from "../../rules/git-arguments";
import { oneLine } from "../../rules/text/text";
import { messageOf } from "../../rules/text/system-error";
import { digest } from "../config/digest";
import { withoutCredentials } from "../config/repository/git";

/** The current head of a branch. */
export interface Revision {
  /** Full git revision, 40 hex digits. */
  revision: string;
  /** SHA-256 of the bytes of `flake.lock` at that revision, 64 hex digits. */
  lock: string;
  /** The text of that file. */
  lockText: string;
}

/** Where the program reads a flake: a URL or a path, and the folder that contains the flake; absent for the top. */
export interface FlakeSource {
  repository: string;
  subdirectory?: string;
}

/** A repository that does not answer within this time counts as unreachable. */
const FETCH_SECONDS = 60;

/**
 * The head of `branch` and its lock, by a fetch of that one commit. Never asks for a password.
 * @throws Error with one line that says which repository or branch could not be read, with git's own reason; or that the head cannot be
 * approved, since its `flake.lock` is not a lock that a VM could build
 */
export async function resolveRevision(repository: string, branch: string, subdirectory?: string): Promise<Revision> {
  const lock = flakeFile(subdirectory, "flake.lock");
  const head = await fetchCommit(repository, `refs/heads/${branch}`, lock).catch((error: unknown) => {
    throw new Error(`cannot read branch "${branch}" of ${repository}: ${reason(error)}`, { cause: error });
  });
  const problem = head.isLink ? `${lock} is a symbolic link; commit the file itself` : lockProblem(head.lockText);
  if (problem !== undefined) {
    const where = `${head.revision.slice(0, 7)}, the head of branch "${branch}" of ${repository}`;
    throw new Error(`${where}, cannot be approved: ${problem}`);
  }
  return { revision: head.revision, lock: head.lock, lockText: head.lockText };
}

/** The text of `flake.lock` at a revision; undefined if the repository does not return it. */
export async function lockTextAt(
  { repository, subdirectory }: FlakeSource,
  revision: string,
): Promise<string | undefined> {
  return fetchCommit(repository, revision, flakeFile(subdirectory, "flake.lock")).then(
    ({ lockText }) => lockText,
    () => undefined,
  );
}

/**
 * The texts of `flake.lock` by revision, for revisions that the repository returns. Heads that were resolved already are not read again.
 */
export async function lockTextsAt(
  source: FlakeSource,
  revisions: readonly string[],
  { revision: head, lockText }: Revision,
): Promise<Record<string, string>> {
  const texts = [...new Set(revisions)].map(
    async (one) => [one, one === head ? lockText : await lockTextAt(source, one)] as const,
  );
  return Object.fromEntries(
    (await Promise.all(texts)).flatMap(([revision, text]) => (text === undefined ? [] : [[revision, text]])),
  );
}

/** How often the program asks a repository that fails for a transient reason, and the pause before the second time, in milliseconds. */
const ATTEMPTS = 4;
const PAUSE = 500;
/** A server that is busy (sshd's MaxStartups, HTTP 429 and 5xx) or a connection that broke. */
const PASSING =
  /kex_exchange_identification|Connection (reset|closed|timed out)|closed by remote host|early EOF|RPC failed|error: (429|5\d\d)|hung up unexpectedly/i;

/** Fetches the commit, and retries if that may help. */
async function fetchCommit(repository: string, ref: string, lock: string): Promise<Revision & { isLink: boolean }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(repository, ref, lock);
    } catch (error) {
      if (attempt === ATTEMPTS || !PASSING.test(stderrOf(error))) throw error;
      await sleep(PAUSE * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }
}

/** The commit, and whether its `flake.lock` is a symbolic link: neither Nix nor a digest of its text would follow the link. */
async function fetchOnce(repository: string, ref: string, file: string): Promise<Revision & { isLink: boolean }> {
  const directory = mkdtempSync(join(tmpdir(), "nixos-fleet-revision-"));
  const run = execa({
    cwd: directory,
    env: { GIT_SSH_COMMAND: "ssh -o BatchMode=yes", ...childEnvironment("git", process.env), GIT_TERMINAL_PROMPT: "0" },
    extendEnv: false,
    timeout: FETCH_SECONDS * 1000,
    encoding: "buffer",
    stripFinalNewline: false,
  });
  const git = (command: GitCommand) => run("git", gitArguments(command));
  try {
    await git({ command: "init", options: ["--quiet", "--bare"] });
    await git({ command: "fetch", options: ["--quiet", "--depth=1"], values: [repository, ref] });
    const { stdout: head } = await git({ command: "rev-parse", values: ["FETCH_HEAD"] });
    const { stdout: lock } = await git({ command: "show", values: [`FETCH_HEAD:${file}`] });
    const { stdout: entry } = await git({ command: "ls-tree", values: ["FETCH_HEAD"], paths: [file] });
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

/** Why git could not read a repository, on one line. */
function reason(error: unknown): string {
  if (!(error instanceof ExecaError)) return messageOf(error);
  if (error.timedOut) return `no answer within ${FETCH_SECONDS} s`;
  const said = gitReason(stderrOf(error));
  return oneLine(withoutCredentials(said ?? (error.code === "ENOENT" ? messageOf(error) : error.shortMessage)), 300);
}

function stderrOf(error: unknown): string {
  if (!(error instanceof ExecaError)) return "";
  const stderr = error.stderr as Uint8Array | string | undefined;
  return typeof stderr === "string" ? stderr : Buffer.from(stderr ?? []).toString();
}

/** Whether a clone has a `flake.lock` that differs from the pushed one; `false` if it has none. */
export function localLockDiffers({ repository, subdirectory }: FlakeSource, pushed: Revision): boolean {
  const path = join(repository, flakeFile(subdirectory, "flake.lock"));
  return existsSync(path) && digest(readFileSync(path)) !== pushed.lock;
}
