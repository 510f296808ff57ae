/**
 * Failure classes. A failure that is the revision's own fault makes the agent refuse that revision; a transient failure is retried. Stage
 * and exit status decide first and the text decides last. A text that is not recognised counts as a transient failure.
 */

import { hasRefusalWords, hasServerSpoken, isGitRefusal, isOwnRefusal } from "../git-answer";

/** The cause of a failure. `network` is the only cause without a fault: it causes no notification, and no unit counts as failed. */
export type FailureCause =
  /** The fault is in the revision. */
  | "revision"
  | "network"
  /** A server that answered and refused: a key, a token, a host key. */
  | "refused"
  /** A disk that is full, read-only or damaged. */
  | "space"
  /** Out of memory, or a process that someone killed. */
  | "resources"
  /** The Nix daemon does not run, or another process holds a lock. */
  | "busy"
  /** Processes of users kept a switch waiting. */
  | "users"
  /** The repository answers that it does not have the branch or the revision. */
  | "absent"
  | "unknown";

/** How a process ended; `status` is absent if a signal or a limit ended it. */
interface ProcessEnd {
  status?: number | undefined;
  signal?: string | undefined;
  limit?: string | undefined;
  text: string;
}

/** errno texts of glibc, as every program prints them, and SQLite's. */
const diskProblems = [
  ["full", /No space left on device|Disk quota exceeded|File too large|database or disk is full|disk is full/],
  ["read-only", /Read-only file system|attempt to write a readonly database|disk is read-only/],
  ["damaged", /Input\/output error|disk I\/O error|Structure needs cleaning|disk is damaged|disk image is malformed/],
] as const;

const gitAbsent = /not our ref|couldn't find remote ref|unadvertised object|remote error: .*(?:no such|not found)/i;

/** What is wrong with the disk, according to a program's output; `undefined` if the output is about something else. */
export function diskProblem(text: string): "full" | "read-only" | "damaged" | undefined {
  return diskProblems.find(([, words]) => words.test(text))?.[0];
}

/**
 * What git (connect.c, http.c, remote-curl.c, fetch-pack.c, pkt-line.c), curl and ssh print if no server answers, or if an answer is cut
 * short.
 */
const gitNetwork =
  /unable to (?:connect to|look up|access)|Could not read from remote repository|Could(?:n't| not) (?:resolve|connect)|Connection (?:refused|reset|timed out|closed)|timed out|No route to host|Network is unreachable|name resolution|RPC failed|early EOF|hung up|unexpected disconnect|expected flush|protocol error|invalid server response|is this a git repository|bad line length|kex_exchange_identification|gnutls|SSL|TLS|curl \d+/;

/** Why a git command that contacts a server failed. */
export function gitFailure({ status, limit, text }: ProcessEnd): FailureCause {
  if (limit !== undefined) return "network";
  if (isGitRefusal(text)) return "refused";
  if (diskProblem(text) !== undefined) return "space";
  if (gitAbsent.test(text)) return "absent";
  if (gitNetwork.test(text)) return "network";
  return status === undefined ? "resources" : "unknown";
}

/** Whether a server answered a git command that failed, whatever its answer was. */
export function hasAnswered(end: ProcessEnd): boolean {
  if (end.limit !== undefined || isOwnRefusal(end.text)) return false;
  const cause = gitFailure(end);
  return (
    cause === "refused" ||
    cause === "absent" ||
    hasServerSpoken(end.text) ||
    /returned error: \d{3}|RPC failed; HTTP \d{3}/.test(end.text)
  );
}

/**
 * What Nix 2.18 to 2.31 prints for transient failures (libstore/filetransfer.cc, libfetchers, libstore/build, libutil/serialise.cc,
 * libstore/gc.cc), and what the git, ssh and curl that it runs and glibc's resolver print.
 */
const nixNetwork = [
  // A server that is busy. Of the other 4xx answers, 401 and 403 refuse, and the rest are the revision's fault.
  /HTTP error (?:408|425|429|5\d\d)/,
  // A good answer that was cut short.
  /HTTP error [123]\d\d/,
  // GitHub answers a rate limit with 403 (github.cc adds the words of the answer).
  /HTTP error 403[\s\S]*rate limit|rate limit[\s\S]*HTTP error 403|API rate limit exceeded/i,
  /unable to (?:download|upload) '[^']*': (?!HTTP error|Unsupported protocol|URL using bad)|(?:down|up)load of '[^']*' was interrupted/,
  /cannot download .*from any mirror/,
  /Could(?:n't| not) (?:resolve|connect to)|Temporary failure in name resolution|Name or service not known/,
  /Connection (?:refused|reset|timed out|closed by)|Network is unreachable|No route to host|Operation timed out/,
  /Timeout was reached|timed out|transfer closed|Failed to connect|early EOF|unexpected disconnect|RPC failed|hung up unexpectedly/,
  /SSL (?:connect error|peer|routines)|gnutls_handshake|TLS (?:connect|handshake)/i,
  /[Ff]ailed to fetch [Gg]it repository|program 'git' failed|unable to access '/,
  /could not update local clone of Git repository|error: cannot fetch/,
  /substituter .*(?:disabled|failed)|some substitutes for the outputs .* failed/,
  /kex_exchange_identification|ssh: connect to host/,
];

const nixBusy =
  /Nix daemon (?:disconnected|connection)|cannot open connection to remote store|Broken pipe|cannot connect to (?:socket|daemon)|error: reading a line: (?:Connection|Input)|unexpected end-of-file|opening lock file|database (?:'[^']*' )?(?:table |schema )?is (?:busy|locked)|Resource temporarily unavailable|unable to (?:fork|start)|Too many open files/;

const nixResources =
  /failed due to signal (?:9|15)\b|exit(?:ed with| code) (?:code )?137|[Oo]ut of [Mm]emory|interrupted by the user|Cannot allocate memory|std::bad_alloc|Killed\b/;

/** A server that wants another key or token; GitHub's limit of requests has 403 as well. */
const nixRefusal = /HTTP error 40[13]\b/;

/** A lock file names a commit that its repository does not have. Without the network, Nix prints the same after a warning. */
const lostRevision = /Cannot find Git revision '[^']*' in ref|getting Git object '[^']*': object not found/;

/** Nix may look up inputs that the lock does not have, or would have to write to a repository that it only reads (libflake/flake.cc). */
export function lockLacksInputs(text: string): boolean {
  return /requires lock file changes|cannot write modified lock file/.test(text);
}

/** The text without Nix's warnings: after a warning Nix tries again, and the retry may have succeeded. */
function withoutWarnings(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^\s*warning: /.test(line))
    .join("\n");
}

/** The cause that the text names; `unknown` if it names none. @param isRefusal whether a text says that a repository's server refused */
function nixCause(text: string, isRefusal: (text: string) => boolean): FailureCause {
  if (diskProblem(text) !== undefined) return "space";
  if (nixResources.test(text)) return "resources";
  if (nixBusy.test(text)) return "busy";
  if (isRefusal(text)) return "refused";
  if (nixNetwork.some((pattern) => pattern.test(text))) return "network";
  return nixRefusal.test(text) ? "refused" : "unknown";
}

/** Whether Nix says that a server did not answer, in its warnings too: it goes on without that server. */
export function isNetworkFailure(text: string): boolean {
  return nixCause(text, () => false) === "network";
}

/** What Nix prints while it waits for other builds on the machine (libstore/build). */
const nixWaits = /waiting for (?:a free build user ID|lock on )/;

/**
 * A build or evaluation that ran into its time limit. Another user's build is no fault of the revision; otherwise it may have waited for a
 * server, or may never end: the limit of tries bounds that.
 */
function atLimit(text: string): FailureCause {
  return nixWaits.test(text) ? "busy" : "unknown";
}

/** Evaluation is deterministic: its failure is the revision's fault, unless the process was ended or could not get what it needs. */
export function evaluationFailure({ status, limit, text }: ProcessEnd): FailureCause {
  if (limit !== undefined) return atLimit(text);
  if (status === undefined || status > 128) return "resources";
  // Status 102 is an input whose hash is not the locked one, whatever the output says.
  if (status === 102) return "revision";
  if (lostRevision.test(text)) {
    const cause = nixCause(text, isGitRefusal);
    return cause === "unknown" ? "absent" : cause;
  }
  const cause = nixCause(withoutWarnings(text), isGitRefusal);
  return cause === "unknown" ? "revision" : cause;
}

/**
 * A build's exit status names what failed (nix-store(1)): 100 a builder, 102 a hash that differs, 101 and 104 time and determinism. The
 * bits add up. Status 1 is everything that Nix itself considers transient, such as the builder of a fixed-output derivation. What such a
 * builder prints is no server's answer to the machine.
 */
export function buildFailure({ status, limit, text }: ProcessEnd): FailureCause {
  if (limit !== undefined) return atLimit(text);
  if (status === undefined || status > 128) return "resources";
  const said = nixCause(withoutWarnings(text), hasRefusalWords);
  const cause = said === "unknown" ? nixCause(text, hasRefusalWords) : said;
  const permanent = status >= 100 && status <= 111;
  if (!permanent) return cause;
  return cause === "space" || cause === "resources" ? cause : "revision";
}

/** What a home's activation lacked, according to the end of its output: a disk, or the Nix daemon or memory, which it needs as a build does. */
export function activationShortage(output: string): "space" | "busy" | undefined {
  if (diskProblem(output) !== undefined) return "space";
  return nixBusy.test(output) || nixResources.test(output) ? "busy" : undefined;
}

/** Whether a failure is transient, so that it is not recorded against the revision. */
export function isTransient(cause: FailureCause): boolean {
  return cause !== "revision" && cause !== "absent";
}

/** Lines that Nix prints for every failure, and what it was doing before. */
const isGeneric = (line: string): boolean =>
  /For full logs, run|^\s*nix log |dependenc(?:y|ies) of derivation .* failed to build|^\s*$/.test(line) ||
  /^error: Build failed due to failed dependency$/.test(line) ||
  /^(?:this|these) .*(?:derivation|path)s? will be |^ {2}\/nix\/store\/\S+$|^(?:building|copying|querying) /.test(line);

/**
 * Puts what Nix 2.29 and newer print for a build in one line, without the paths of its outputs, and leaves out the builds that only
 * depend on a failed one: there is such a block for each.
 */
function joinBuilds(lines: readonly string[]): string[] {
  const joined: string[] = [];
  let inOutputs = false;
  for (const [index, line] of lines.entries()) {
    const isBuild = /^\s*error: Cannot build '/.test(lines[index - 1] ?? "");
    inOutputs = /^\s+Output paths:$/.test(line) || (inOutputs && /^\s+\/nix\/store\/\S+$/.test(line));
    if (inOutputs) continue;
    if (isBuild && /^\s+Reason: \d+ dependenc(?:y|ies) failed\.$/.test(line)) joined.pop();
    else if (isBuild && /^\s+Reason: /.test(line)) joined.push(`${joined.pop() ?? ""} ${line.trim()}`);
    else joined.push(line);
  }
  return joined;
}

/**
 * The lines of a failed command's output that give the reason. Lines that Nix prints for every failure are left out; the reason comes last.
 */
export function failureLines(output: string): string {
  const lines = joinBuilds(output.split("\n")).filter((line) => !isGeneric(line));
  const why = lines.findLast((line) => /^\s*error: /.test(line));
  const last = lines.slice(-25);
  const complete = why === undefined || last.some((line) => /[Ll]ast \d+ log lines/.test(line)) || last.at(-1) === why;
  return (complete ? last : [...last, why]).join("\n");
}
