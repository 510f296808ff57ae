/** The operator's tool: finds the command, runs it, and turns what it throws into one line and an exit code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseCall, type CommandContext } from "./command-line/command";
import { variable } from "./command-line/variable";
import { FleetError, UsageError } from "./errors";
import { messageOf, reasonOf } from "../rules/text/system-error";
import { ApiError, nextStep } from "./google/api-error";
import { helpLines, overviewLines } from "./command-line/help";
import { loadCommand } from "./load-command";
import { commandName } from "./command-line/registry";
import type { ReadSettings } from "./stack";
import { wantsColour } from "./command-line/table";
import { wrap } from "./text";
import { withCode } from "../rules/error-codes";
import { oneLine } from "../rules/text/text";

/** The end of the message if it is not known whether a change was made. */
const madeHint = "; the change may have been made: fleet status shows it";

/** Runs the tool once and returns its exit code: 0 done, 1 failed, 2 a call that makes no sense, 130 interrupted. */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { printError } = context;
  try {
    const [name, ...rest] = args;
    const width = context.size?.().columns;
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      const [about] = rest.filter((word) => !word.startsWith("-"));
      const lines =
        about === undefined ? overviewLines(width) : helpLines(context.loadCommand(commandName(about)), width);
      lines.forEach(context.print);
      return 0;
    }
    if (name === "--version" || name === "-V" || name === "version") {
      context.print(version());
      return 0;
    }
    const command = context.loadCommand(commandName(name));
    const call = parseCall(command, rest, context.env);
    if (call === null) {
      helpLines(command, width).forEach(context.print);
      return 0;
    }
    const isVerbatim = command.verbatim === true || call.options.flag("json");
    return await command.run({ ...context, ...call, ...(isVerbatim ? {} : { print: wrapping(context) }) });
  } catch (error) {
    const uncertain = error instanceof FleetError && error.mayBeMade ? madeHint : "";
    if (context.signal.aborted) {
      printError(`interrupted${uncertain}`);
      return 130;
    }
    const hint = error instanceof ApiError ? nextStep(error, variable(context, "NIXOS_FLEET_COMPUTE_ENDPOINT")) : "";
    const line = oneLine(messageOf(error) + hint + uncertain);
    // A wrong use says in its own line all that its code would.
    printError(error instanceof UsageError ? line : withCode(line, error instanceof FleetError ? error.code : "NF299"));
    if (error instanceof FleetError) {
      return error.exitCode;
    }
    if ((context.env["NIXOS_FLEET_DEBUG"] ?? "") !== "" && error instanceof Error) {
      printError(error.stack ?? "");
    }
    return 1;
  }
}

/** Prints lines broken between words if they are longer than the terminal, which would break them within words. */
function wrapping({ print, size }: CommandContext): (line: string) => void {
  return (line) => wrap(line, size?.().columns ?? Infinity, 2 + line.search(/\S|$/)).forEach(print);
}

/** `fleet 0.1.0 (Node 20.20.2)`. */
function version(): string {
  const text = readFileSync(join(__dirname, "../package.json"), "utf8");
  return `fleet ${(JSON.parse(text) as { version: string }).version} (Node ${process.versions.node})`;
}

/** Runs the tool with this process' arguments, streams and signals. */
export async function main(readSettings: ReadSettings): Promise<void> {
  // What libraries warn of is not the operator's to act on.
  if ((process.env["NIXOS_FLEET_DEBUG"] ?? "") === "") process.removeAllListeners("warning");
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // The second one does not wait for anything.
    process.once(signal, () => {
      process.once(signal, () => process.exit(130));
      interrupt.abort();
    });
  }
  const { stdout } = process;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader of the output has seen enough: `fleet status | head`.
    if (error.code === "EPIPE") process.exit(0);
    printError(withCode(`the output cannot be written: ${reasonOf(error)}`, "NF211"));
    process.exit(1);
  });
  const colour = wantsColour(stdout, process.env);
  process.exitCode = await run(process.argv.slice(2), {
    env: process.env,
    print: (line) => stdout.write(`${line}\n`),
    printError,
    terminal: stdout.isTTY,
    ...(stdout.isTTY ? { size: () => ({ columns: stdout.columns, rows: stdout.rows }) } : {}),
    ...(process.stdin.isTTY && process.stderr.isTTY
      ? {
          ask: (question) => ask(question, interrupt.signal),
          confirm: async (question) => /^y(es)?$/i.test((await ask(`${question} [y/N]`, interrupt.signal)).trim()),
        }
      : {}),
    colour,
    signal: interrupt.signal,
    readSettings,
    loadCommand,
  });
}

function printError(line: string): void {
  const { isTTY, columns } = process.stderr;
  const lines = wrap(`fleet: ${line}`, isTTY ? columns : Infinity, 2);
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** Asks on the terminal; the question goes to standard error, so that the result may go into a pipe. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(`${question} `, { signal });
  } finally {
    terminal.close();
  }
}
