import { execa, ExecaError } from "execa";
import { FleetError } from "./errors";
import { lastLines, oneLine } from "./text";

/** What git says of every repository that it cannot read, after the reason. */
const empty = /Could not read from remote repository|^Please make sure you have the correct|^and the repository exists/;

/** How a program is run: what interrupts it, where (here by default), and with which environment (the tool's own by default). */
export interface RunOptions {
  signal: AbortSignal;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Whether what it says on standard error is for people to see as it comes. */
  progress?: boolean;
}

/** Runs a program that asks nothing, and returns what it printed. @throws FleetError with its own reason, or that it is not there */
export async function runProgram(
  program: string,
  args: readonly string[],
  { signal, cwd = process.cwd(), env = process.env, progress = false }: RunOptions,
): Promise<string> {
  try {
    const { stdout } = await execa(program, args, {
      cwd,
      env,
      extendEnv: false,
      stdin: "ignore",
      stderr: progress ? ["inherit", "pipe"] : "pipe",
      stripFinalNewline: false,
      cancelSignal: signal,
      forceKillAfterDelay: 10_000,
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) {
      throw error;
    }
    if (error.code === "ENOENT") {
      throw new FleetError(`${program} is not on PATH; run this where it is installed`);
    }
    const said = lastLines(String(error.stderr), 50).filter((line) => !empty.test(line));
    const reason = said.findLast((line) => /^\s*(fatal|error|! )/.test(line)) ?? said.at(-1) ?? error.shortMessage;
    const what = args.find((arg) => /^[a-z]/.test(arg) && !arg.includes(" ")) ?? "";
    throw new FleetError(oneLine(`${program} ${what}: ${reason.trim()}`, 400));
  }
}
