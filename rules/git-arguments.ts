/**
 * A git command line on which no value can be taken for an option. A value that begins with `-` is refused, since some commands have no
 * way to say where options end: `checkout` knows none before git 2.43, and `rev-parse` none without `--verify`.
 */
export interface GitCommand {
  /** The subcommand, such as `fetch`. */
  command: string;
  /** Options of the caller's own, with values attached (`--depth=1`). */
  options?: readonly string[];
  /** Repositories, revisions, branches: what may come from elsewhere. */
  values?: readonly string[];
  /** Paths, after git's `--`. */
  paths?: readonly string[];
}

/** Repositories that are read at once: an sshd refuses at random beyond ten (MaxStartups). */
export const repositoriesAtOnce = 4;

/** Commands that take `--end-of-options` for a value. */
const withoutSeparator = ["checkout", "rev-parse"];

/** The words after `git`. Pure. @throws Error of one line where a value begins with `-` */
export function gitArguments({ command, options = [], values = [], paths = [] }: GitCommand): string[] {
  const wrong = values.find((value) => value.startsWith("-"));
  if (wrong !== undefined)
    throw new Error(`git ${command}: ${JSON.stringify(wrong)} begins with "-"; no repository, revision or branch does`);
  const separator = values.length === 0 || withoutSeparator.includes(command) ? [] : ["--end-of-options"];
  return [command, ...options, ...separator, ...values, ...(paths.length === 0 ? [] : ["--", ...paths])];
}
