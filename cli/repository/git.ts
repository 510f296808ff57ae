import { runProgram, type RunOptions } from "../program";

/** Runs git in a directory, without ever asking for a password, and returns what it printed. @throws FleetError with its own reason */
export async function git(directory: string, args: readonly string[], runOptions: RunOptions): Promise<string> {
  const env = { GIT_SSH_COMMAND: "ssh -o BatchMode=yes", ...(runOptions.env ?? process.env), GIT_TERMINAL_PROMPT: "0" };
  return runProgram("git", args, { ...runOptions, env, cwd: directory });
}
