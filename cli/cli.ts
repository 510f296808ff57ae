/** The operator's tool: finds the command, runs it, and turns what it throws into one line and an exit code. */
import { helpLines, parseCall, type Command, type CommandContext } from "./command";
import { awaitCommand } from "./commands/await";
import { build } from "./commands/build";
import { diff } from "./commands/diff";
import { doctor } from "./commands/doctor";
import { history } from "./commands/history";
import { hold } from "./commands/hold";
import { image } from "./commands/image";
import { init } from "./commands/init";
import { lock } from "./commands/lock";
import { pin } from "./commands/pin";
import { resume } from "./commands/resume";
import { retry } from "./commands/retry";
import { rollback } from "./commands/rollback";
import { status } from "./commands/status";
import { trigger } from "./commands/trigger";
import { FleetError, messageOf, UsageError } from "./errors";
import type { ReadSettings } from "./stack";
import { wantsColour } from "./table";
import { oneLine } from "./text";

/** All commands, in the order in which the help lists them. */
export const commands: readonly Command[] = [
  status,
  diff,
  awaitCommand,
  hold,
  resume,
  pin,
  retry,
  rollback,
  trigger,
  history,
  lock,
  build,
  image,
  doctor,
  init,
];

/** Runs the tool once and returns its exit code: 0 done, 1 failed, 2 a call that makes no sense, 130 interrupted. */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { printError } = context;
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      overview(rest[0]).forEach(context.print);
      return 0;
    }
    const command = commandOf(name);
    const call = parseCall(command, rest);
    if (call === null) {
      helpLines(command).forEach(context.print);
      return 0;
    }
    return await command.run({ ...context, ...call });
  } catch (error) {
    if (context.signal.aborted) {
      printError("interrupted");
      return 130;
    }
    printError(oneLine(messageOf(error)));
    if (error instanceof FleetError) {
      return error.exitCode;
    }
    if ((context.env["NIXOS_FLEET_DEBUG"] ?? "") !== "" && error instanceof Error) {
      printError(error.stack ?? "");
    }
    return 1;
  }
}

function commandOf(name: string): Command {
  const command = commands.find((one) => one.name === name);
  if (command === undefined) {
    const names = commands.map((one) => one.name).join(", ");
    throw new UsageError(oneLine(`no command ${name}; there are ${names}`, 300));
  }
  return command;
}

function overview(name: string | undefined): string[] {
  if (name !== undefined) {
    return helpLines(commandOf(name));
  }
  return [
    "usage: ./scripts/fleet COMMAND [OPTION…]",
    "",
    ...commands.map((command) => `  ${command.name.padEnd(8)}  ${command.summary}`),
    "",
    "./scripts/fleet COMMAND --help says more, with examples.",
  ];
}

/** Runs the tool with this process' arguments, streams and signals. */
export async function main(readSettings: ReadSettings): Promise<void> {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // The second one does not wait for anything.
    process.once(signal, () => {
      process.once(signal, () => process.exit(130));
      interrupt.abort();
    });
  }
  // Whoever reads the output may have seen enough: `fleet status | head`.
  process.stdout.on("error", () => process.exit(0));
  const { stdout } = process;
  const colour = wantsColour(stdout, process.env);
  process.exitCode = await run(process.argv.slice(2), {
    env: process.env,
    print: (line) => process.stdout.write(`${line}\n`),
    printError: (line) => process.stderr.write(`fleet: ${line}\n`),
    terminal: stdout.isTTY,
    ...(stdout.isTTY ? { size: () => ({ columns: stdout.columns, rows: stdout.rows }) } : {}),
    colour,
    signal: interrupt.signal,
    readSettings,
  });
}
