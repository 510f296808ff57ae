/** What git, ssh and a repository's server print if a repository cannot be read: whether the server refused, and the lines that say why. */

/**
 * What git and curl print if a server refused, and what ssh prints if the host key is not the known one. If a key may not read a
 * repository, servers answer that the repository does not exist.
 */
const refusalWords =
  /[Rr]epository (?:'[^']*' )?not found|repository not exported|Permission denied \(|Host key verification failed|Authentication failed|could not read (?:Username|Password)|returned error: 40[13]|Permission denied, please try again|Too many authentication failures/;

/** git says this if the connection over SSH ended before the server had listed its branches. */
const unreadable = /^fatal: Could not read from remote repository/;

/** What ssh prints if it refuses by itself, for what this machine knows or is set to. */
const ownRefusal =
  /Host key verification failed|Unable to negotiate|no matching (?:host key|key exchange|cipher|MAC)|[Bb]ad configuration option|Bad owner or permissions/;

/** Lines that give no reason: warnings, borders, and what Nix prints while it fetches. */
const noReason =
  /^(?:remote:)?[\s=*#@-]*$|^Warning: Permanently added|^@ |^\*\* |^(?:warning|trace|hint|error):|^(?:fetching|copying|unpacking|downloading|building|querying|evaluating|updating|these|this) |^(?:…|at|\/nix\/store\/)/;

/** What ssh prints of a connection that it could not make, or lost. */
const connection =
  /\bssh: |(?:kex|ssh)_exchange_identification|ssh_dispatch_run_fatal|banner exchange|[Cc]onnection (?:to \S+ )?(?:port \d+ )?(?:closed|reset|refused|timed out|lost)|^Timeout, server|client_loop|packet_write|Broken pipe|^Received disconnect|^Disconnected from/;

/**
 * A server that answers that it is in trouble itself. A path without a repository counts as well: git says so also of a mirror on this
 * machine, which is created again.
 */
const trouble =
  /does not appear to be a git repository|unavailable|not available|unable to handle|due to load|not responding|unreachable|try again|timed? ?out|too many|maintenance|overloaded|internal (?:server )?error|\b50[0-4]\b/i;

const linesOf = (text: string) =>
  text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** What was printed before git found that it cannot read the repository: by ssh, or by the server behind it. */
function saidBefore(text: string): string[] {
  const lines = linesOf(text);
  const end = lines.findIndex((line) => unreadable.test(line));
  return end < 0 ? [] : lines.slice(0, end).filter((line) => !noReason.test(line));
}

/** Whether a text has the known words of a refusal. */
export function hasRefusalWords(text: string): boolean {
  return refusalWords.test(text);
}

/** Whether the server refused: by known words, or by words of its own after ssh had reached it. */
export function isGitRefusal(text: string): boolean {
  if (hasRefusalWords(text)) return true;
  const said = saidBefore(text);
  return said.length > 0 && !said.some((line) => connection.test(line) || trouble.test(line));
}

/** Whether a server said something over ssh, such as that it is busy. */
export function hasServerSpoken(text: string): boolean {
  const said = saidBefore(text);
  return said.length > 0 && said.every((line) => !connection.test(line));
}

/** Whether ssh itself refused, so that no server answered. */
export function isOwnRefusal(text: string): boolean {
  return ownRefusal.test(text);
}

/** The reason why git could not read a repository: a refusal, the lines of ssh or the server, or git's own line. `undefined` if nothing was printed. */
export function gitReason(text: string): string | undefined {
  const lines = linesOf(text);
  // ssh prints ten lines about a changed host key before this one.
  const refusal = lines.findLast(hasRefusalWords);
  if (refusal !== undefined) return refusal;
  const said = saidBefore(text);
  if (said.length > 0) return said.slice(-3).join("; ");
  const named = (line: string) => /^(?:fatal|error|ssh|remote):/.test(line);
  return lines.findLast(named) ?? lines.at(-1);
}
