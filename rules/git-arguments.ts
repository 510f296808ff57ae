/**
 * Builds a git command line on which git cannot take any value for an option. A value that begins with `-` is refused, since some commands
 * cannot mark the end of options: `checkout` cannot before git 2.43, and `rev-parse` cannot without `--verify`.
 */
export interface GitCommand {
  /** The subcommand, such as `fetch`. */
  command: string;
  /** The caller's own options, with values attached (`--depth=1`). */
  options?: readonly string[];
  /** Repositories, revisions, branches: values that may come from elsewhere. */
  values?: readonly string[];
  /** Paths, after git's `--`. */
  paths?: readonly string[];
}

/** How many repositories of a server are read at once: above ten, an sshd refuses connections at random (MaxStartups). */
export const repositoriesAtOnce = 4;

/** Commands that take `--end-of-options` for a value. */
const withoutSeparator = ["checkout", "rev-parse"];

/** The words after `git`. Pure. @throws Error of one line if a value begins with `-` */
export function gitArguments({ command, options = [], values = [], paths = [] }: GitCommand): string[] {
  const wrong = values.find((value) => value.startsWith("-"));
  if (wrong !== undefined)
    throw new Error(`git ${command}: ${JSON.stringify(wrong)} begins with "-"; no repository, revision or branch does`);
  const separator = values.length === 0 || withoutSeparator.includes(command) ? [] : ["--end-of-options"];
  return [command, ...options, ...separator, ...values, ...(paths.length === 0 ? [] : ["--", ...paths])];
}
