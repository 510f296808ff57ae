/**
 * git that never prompts, runs no hooks, filters or file system monitors, leaves no process behind, and always ends. The system's and
 * the user's configuration do not count, except for how a site reaches the outside.
 */
import { gitFailure, type FailureCause } from "../../rules/decision/failure";
import { gitReason } from "../../rules/git-answer";
import { exists } from "../host/files";
import { log, oneLine } from "../host/log";
import { type Finished, howEnded, run, succeeded } from "../host/process";
import { secondsFrom, sleep } from "../host/time";

/** How git may reach a repository. */
export interface GitAccess {
  /** As GIT_ALLOW_PROTOCOL. */
  protocols: string;
  /** Configuration that makes git show a token. */
  config: readonly string[];
  /** The ssh command, with its key and known hosts. */
  ssh: string;
  /** The same for servers that the key is not for. */
  sshWithoutKey: string;
}

/** A connection whose other end is silent for a minute is given up. */
const SSH = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4";

/** Only repositories on this machine. */
export const localAccess: GitAccess = { protocols: "file", config: [], ssh: SSH, sshWithoutKey: SSH };

export function remoteAccess(protocols: string): GitAccess {
  return { protocols, config: [], ssh: SSH, sshWithoutKey: SSH };
}

/** Milliseconds without output after which git counts as hung. */
const silence = () => secondsFrom("NIXOS_AUTO_UPDATE_FETCH_TIMEOUT", 120);
const pause = () => secondsFrom("NIXOS_AUTO_UPDATE_PAUSE", 2);
const ATTEMPTS = 5;
/** Milliseconds for work on this machine that prints nothing and takes as long as the repository is large. */
export const LONG_WORK = 3_600_000;

interface GitOptions {
  access?: GitAccess;
  /** Reads a person's own clone as that person, with their configuration. */
  ownConfig?: boolean;
  env?: Record<string, string | undefined>;
  input?: string;
  silence?: number;
  /** Milliseconds in which it must end, instead of those in which it must print something. */
  timeout?: number;
  keep?: number;
}

const OPTIONS = [
  ...["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"],
  ...["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"],
];

/** Variables of the caller's environment that would point git to another place. */
const FOREIGN = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG"];

/** Runs git. The caller must separate the arguments from values, by `--` or a fixed prefix. */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<Finished> {
  const { access = localAccess, ownConfig = false } = options;
  const site = ownConfig || access === localAccess ? [] : await siteConfig();
  return run("git", [...access.config, ...OPTIONS, ...args], {
    env: {
      ...Object.fromEntries(FOREIGN.map((name) => [name, undefined])),
      GIT_TERMINAL_PROMPT: "0",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_ALLOW_PROTOCOL: access.protocols,
      GIT_SSH_COMMAND: access.ssh,
      ...(ownConfig ? {} : NO_CONFIG),
      ...configEnvironment(site),
      ...options.env,
    },
    ...(options.timeout === undefined ? { silence: options.silence ?? silence() } : { timeout: options.timeout }),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
  });
}

const NO_CONFIG = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
};

/** Keys and values of git's configuration. */
type GitConfig = readonly (readonly [string, string])[];

/** Configuration as git reads it from its environment, which no other user can see. */
export function configEnvironment(config: GitConfig): Record<string, string> {
  return {
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

/** Settings that say how a site reaches the outside: git-config(1), `http.*`. A proxy's URL may have a password in it. */
export const SITE_KEYS =
  "^http\\.(.*\\.)?(proxy|proxyauthmethod|proxysslcainfo|sslcainfo|sslcapath|sslcert|sslkey|sslversion|version|noepsv)$";

/** What the machine's and this user's configuration say about a site. Most machines have neither file. */
async function siteConfig(): Promise<GitConfig> {
  const home = process.env["HOME"] ?? "/";
  const config = process.env["XDG_CONFIG_HOME"] ?? `${home}/.config`;
  if (!["/etc/gitconfig", `${home}/.gitconfig`, `${config}/git/config`].some(exists)) return [];
  const { stdout } = await run("git", ["config", "--null", "--includes", "--get-regexp", SITE_KEYS], {
    cwd: "/",
    timeout: 10_000,
  });
  return stdout
    .split("\0")
    .map((entry) => entry.split("\n"))
    .flatMap(([key = "", ...value]) => (key === "" ? [] : [[key, value.join("\n")] as const]));
}

/** A git command that failed, and why in one line. */
export class GitError extends Error {
  constructor(
    readonly reason: FailureCause,
    message: string,
  ) {
    super(message);
  }
}

/** Why git failed, in one line. */
export function gitErrorText(finished: Finished): string {
  if (finished.limit === "timeout") return howEnded(finished, LONG_WORK);
  if (finished.limit !== undefined) return `no answer within ${Math.round(silence() / 1000)} s`;
  const { status, signal, stderr } = finished;
  const how = status === undefined ? `signal ${signal ?? "unknown"}` : `status ${status}`;
  return oneLine(gitReason(stderr) ?? `git ended with ${how}`);
}

/** The exit status of `ls-remote --exit-code` if the repository has no such branch. */
export const NO_SUCH_BRANCH = 2;

/**
 * Runs git up to five times, with longer and longer pauses. If a server refuses, git retries only if `renew` says that there is another
 * key or token by now. A git that hung would hang again, so a later run retries it.
 * @throws GitError
 */
export async function gitRetry(
  args: readonly string[],
  access: GitAccess,
  renew: () => Promise<GitAccess | undefined>,
): Promise<Finished> {
  let current = access;
  for (let attempt = 1, delay = pause(); ; attempt++, delay *= 2) {
    const finished = await git(args, { access: current });
    if (succeeded(finished)) return finished;
    const problem = gitErrorText(finished);
    const cause = gitFailure({ ...finished, text: finished.stderr });
    const isAbsent = finished.status === NO_SUCH_BRANCH;
    const final = isAbsent || finished.limit !== undefined || attempt >= ATTEMPTS;
    const error = new GitError(isAbsent ? "absent" : cause, problem);
    if (final || cause === "space" || cause === "absent") throw error;
    if (cause === "refused") {
      const renewed = await renew();
      if (renewed === undefined) throw error;
      current = renewed;
      continue;
    }
    log(`git failed, trying again in about ${Math.round(delay / 1000)} s: ${problem}`);
    await sleep(delay + Math.random() * 1000);
  }
}
