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
import { withoutCredentials } from "../../rules/text/credentials";

/** The current head of a branch. */
export interface Revision {
  /** Full git revision, 40 hex digits. */
  revision: string;
  /** SHA-256 of the bytes of `flake.lock` at that revision, 64 hex digits. */
  lock: string;
  /** The text of that file. */
  lockText: string;
}

/** A branch's head as it was read, with another file of it. */
export interface Head extends Revision {
  /** The text of the file that was asked for besides the lock; undefined if the head does not have it. */
  besides: string | undefined;
}

/** Where the program reads a flake: a URL or a path, and the folder that contains the flake; absent for the top. */
export interface FlakeSource {
  repository: string;
  subdirectory?: string;
}

/** How long a repository is waited for, in milliseconds. */
export interface Patience {
  /** It may send nothing for this long; then it counts as unreachable. */
  silence: number;
  /** It may take this long in all; a large one may need any time. */
  total?: number;
}

const PATIENCE: Patience = { silence: 60_000 };

/**
 * The head of `branch`, its lock and the file `besides`, by a fetch of that one commit, without the other files if the server can leave them out. Never asks
 * for a password.
 * @throws Error with one line that says which repository or branch could not be read, with git's own reason; or that the head cannot be
 * approved, since its `flake.lock` is not a lock that a VM could build
 */
export async function resolveRevision(
  repository: string,
  branch: string,
  subdirectory?: string,
  { patience = PATIENCE, besides }: { patience?: Patience; besides?: string | undefined } = {},
): Promise<Head> {
  const lock = flakeFile(subdirectory, "flake.lock");
  const files = { lock, besides };
  const head = await fetchCommit(repository, `refs/heads/${branch}`, files, patience).catch((error: unknown) => {
    throw new Error(`cannot read branch "${branch}" of ${repository}: ${reason(error)}`, { cause: error });
  });
  const problem = head.isLink ? `${lock} is a symbolic link; commit the file itself` : lockProblem(head.lockText);
  if (problem !== undefined) {
    const where = `${head.revision.slice(0, 7)}, the head of branch "${branch}" of ${repository}`;
    throw new Error(`${where}, cannot be approved: ${problem}`);
  }
  return { revision: head.revision, lock: head.lock, lockText: head.lockText, besides: head.besides };
}

/** The text of `flake.lock` at a revision; undefined if the repository does not return it. */
export async function lockTextAt(
  { repository, subdirectory }: FlakeSource,
  revision: string,
): Promise<string | undefined> {
  return fetchCommit(repository, revision, { lock: flakeFile(subdirectory, "flake.lock") }).then(
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

/** A server that leaves files out, but does not send one by itself: one of git's older protocol. */
const NO_SINGLE_FILES = /from promisor remote/;

/** The paths of what is read of a commit. */
interface Files {
  lock: string;
  besides?: string | undefined;
}

/** Fetches the commit, and retries if that may help. */
async function fetchCommit(
  repository: string,
  ref: string,
  files: Files,
  patience = PATIENCE,
): Promise<Head & { isLink: boolean }> {
  const end = Date.now() + (patience.total ?? Infinity);
  let filter = true;
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(repository, ref, files, { ...patience, end }, filter);
    } catch (error) {
      if (filter && NO_SINGLE_FILES.test(stderrOf(error))) {
        filter = false;
        continue;
      }
      if (attempt === ATTEMPTS || Date.now() >= end || !PASSING.test(stderrOf(error))) throw error;
      await sleep(PAUSE * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }
}

/** The commit, and whether its `flake.lock` is a symbolic link: neither Nix nor a digest of its text would follow the link. */
async function fetchOnce(
  repository: string,
  ref: string,
  files: Files,
  limits: Limits,
  filter: boolean,
): Promise<Head & { isLink: boolean }> {
  const directory = mkdtempSync(join(tmpdir(), "nixos-fleet-revision-"));
  const git = (command: GitCommand) => runGit(command, directory, limits);
  try {
    await git({ command: "init", options: ["--quiet", "--bare"] });
    // Only a remote with a name can get a file later that the fetch left out.
    await git({ command: "remote", options: ["add"], values: ["origin", repository] });
    await git({
      command: "fetch",
      options: ["--progress", "--depth=1", "--no-tags", ...(filter ? ["--filter=blob:none"] : [])],
      values: ["origin", ref],
    });
    const head = await git({ command: "rev-parse", values: ["FETCH_HEAD"] });
    const show = (file: string) => git({ command: "show", values: [`FETCH_HEAD:${file}`] });
    const lock = await show(files.lock);
    const entry = await git({ command: "ls-tree", values: ["FETCH_HEAD"], paths: [files.lock] });
    const besides = files.besides === undefined ? undefined : await show(files.besides).catch(() => undefined);
    return {
      isLink: entry.toString().startsWith("120000 "),
      revision: head.toString().trim(),
      lock: digest(lock),
      lockText: lock.toString(),
      besides: besides?.toString(),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Limits extends Patience {
  /** When `total` is over, in milliseconds since 1970. */
  end: number;
}

/** What a git command prints. @throws Error if it meets a limit; ExecaError if it fails */
async function runGit(command: GitCommand, cwd: string, { silence, total, end }: Limits): Promise<Buffer> {
  const running = execa("git", gitArguments(command), {
    cwd,
    env: { GIT_SSH_COMMAND: "ssh -o BatchMode=yes", ...childEnvironment("git", process.env), GIT_TERMINAL_PROMPT: "0" },
    extendEnv: false,
    encoding: "buffer",
    stripFinalNewline: false,
  });
  let limit: string | undefined;
  const stop = (what: string, milliseconds: number) => {
    limit ??= `${what} within ${Math.round(milliseconds / 1000)} s`;
    running.kill();
    // An ssh that it started may keep them open.
    running.stdout.destroy();
    running.stderr.destroy();
  };
  const timer = setTimeout(() => stop("no answer", silence), silence);
  const endTimer = total === undefined ? undefined : setTimeout(() => stop("not read", total), end - Date.now());
  for (const output of [running.stdout, running.stderr]) output.on("data", () => timer.refresh());
  try {
    return Buffer.from((await running).stdout);
  } catch (error) {
    if (limit !== undefined) throw new Error(limit, { cause: error });
    throw error;
  } finally {
    clearTimeout(endTimer);
    clearTimeout(timer);
  }
}

/** Why git could not read a repository, on one line. */
function reason(error: unknown): string {
  if (!(error instanceof ExecaError)) return messageOf(error);
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
