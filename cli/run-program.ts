import { statSync } from "node:fs";
import { execa, ExecaError } from "execa";
import { FleetError } from "./errors";
import { lastLines } from "./text";
import { childEnvironment } from "../rules/child-environment";
import { oneLine } from "../rules/text/text";
import { messageOf } from "../rules/text/system-error";

/** What git says of every repository that it cannot read, after the reason. */
const noReason =
  /Could not read from remote repository|^Please make sure you have the correct|^and the repository exists/;

/** How a program is run: what interrupts it, where (here by default), and with which environment (the tool's own by default; see `childEnvironment`). */
export interface RunOptions {
  signal: AbortSignal;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Whether people see its standard error at once. */
  progress?: boolean;
  /** Milliseconds that it has to end after an interrupt, before it is killed; 10 s by default. */
  killAfter?: number;
}

/** Runs a program that asks nothing, and returns what it printed. @throws FleetError with its own reason, or that it is not there */
export async function runProgram(
  program: string,
  args: readonly string[],
  { signal, cwd = process.cwd(), env = process.env, progress = false, killAfter = 10_000 }: RunOptions,
): Promise<string> {
  // Node says of a directory that is not there that the program is not there.
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new FleetError("NF211", oneLine(`there is no directory ${cwd}`, 300));
  }
  try {
    const { stdout } = await execa(program, args, {
      cwd,
      env: childEnvironment(program, env),
      extendEnv: false,
      stdin: "ignore",
      stderr: progress ? ["inherit", "pipe"] : "pipe",
      stripFinalNewline: false,
      cancelSignal: signal,
      forceKillAfterDelay: killAfter,
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) {
      throw error;
    }
    // One that did not start has no status, and said nothing.
    if (error.exitCode === undefined && error.signal === undefined && !error.isCanceled) {
      throw new FleetError("NF207", oneLine(messageOf(error), 500));
    }
    const said = lastLines(String(error.stderr), 50).filter((line) => !noReason.test(line));
    const what = args.find((arg) => /^[a-z]/.test(arg) && !arg.includes(" ")) ?? "";
    throw new FleetError("NF207", oneLine(`${program} ${what}: ${causeOf(said) ?? error.shortMessage}`, 500));
  }
}

/** Lines that say that something failed, but not why. */
const consequences = [
  /^error: failed to push some refs/,
  /^hint:/,
  /^fatal: (failed to write commit object|the remote end hung up|early EOF|index-pack failed)/,
  /^error: (gpg|ssh) failed to sign the data/,
  /^To \S+$/,
];
/** Lines of others than the program itself that say why: SSH, a server's hook, gpg. */
const causes =
  /Permission denied|Host key verification failed|Could not resolve host|Connection (refused|timed out|closed)|No such file or directory|gpg: |^remote: (?!(Enumerating|Counting|Compressing|Resolving|Total))\S/;

/**
 * Why a program failed, of what it wrote to standard error: the cause and not the last line, which often only says that something before
 * it failed.
 */
function causeOf(lines: readonly string[]): string | undefined {
  const trimmed = lines.map((line) => line.trim());
  const telling = trimmed.filter((line) => !consequences.some((pattern) => pattern.test(line)));
  const own = telling.filter((line) => /^(fatal|error|! )/.test(line));
  // Nix ends with its error, and says before it where it was; others begin with the cause.
  const main = own.at(-1) ?? telling.at(-1) ?? trimmed.at(-1);
  const others = telling
    .filter((line) => causes.test(line) && line !== main)
    .map((line) => line.replace(/^remote: /, ""));
  if (main === undefined) return undefined;
  // A list follows, such as the files that a merge would overwrite.
  const listed = main.endsWith(":") ? telling.slice(telling.lastIndexOf(main) + 1, telling.lastIndexOf(main) + 4) : [];
  if (listed.length > 0) return `${main} ${listed.join(", ")}`;
  return [...new Set([main, ...others.slice(-2)])].join("; ");
}
