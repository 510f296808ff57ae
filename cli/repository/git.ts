import { gitArguments, type GitCommand } from "../../rules/git-arguments";
import { FleetError, UsageError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import { runProgram, type RunOptions } from "../run-program";
import { oneLine } from "../../rules/text/text";

/**
 * Runs git in a directory, without ever asking for a password, and returns its output.
 * @throws FleetError with git's own reason, UsageError if git would take a value for an option
 */
export async function git(directory: string, command: GitCommand, runOptions: RunOptions): Promise<string> {
  const env = { GIT_SSH_COMMAND: "ssh -o BatchMode=yes", ...(runOptions.env ?? process.env), GIT_TERMINAL_PROMPT: "0" };
  return runProgram("git", argumentsOf(command), { ...runOptions, env, cwd: directory });
}

/** What git says of a clone: its top, or its own folder. @throws FleetError if the directory is no clone */
export async function askClone(
  directory: string,
  what: "--show-toplevel" | "--git-dir",
  runOptions: RunOptions,
): Promise<string> {
  try {
    return (await git(directory, { command: "rev-parse", options: [what] }, runOptions)).trim();
  } catch (error) {
    runOptions.signal.throwIfAborted();
    const why = messageOf(error);
    throw new FleetError(
      "NF206",
      oneLine(`${directory} is not a clone of the config repository (${why}); name it with --clone`, 400),
    );
  }
}

function argumentsOf(command: GitCommand): string[] {
  try {
    return gitArguments(command);
  } catch (error) {
    throw new UsageError(oneLine(messageOf(error), 300));
  }
}
