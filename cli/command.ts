/** How the tool's commands are described, parsed and helped with; one description serves all three. */
import { parseArgs } from "node:util";
import { UsageError } from "./errors";
import type { ReadSettings } from "./stack";
import { oneLine } from "./text";

/** An option of a command. */
export interface OptionSpec {
  /** What stands for the value in the help; an option without it takes none. */
  value?: string;
  /** May be given several times. */
  multiple?: boolean;
  description: string;
}

/** What a command gets from the process that runs it. */
export interface CommandContext {
  env: NodeJS.ProcessEnv;
  /** Prints one line of the result. */
  print: (line: string) => void;
  /** Prints one line about the work itself, such as an error. */
  printError: (line: string) => void;
  /** Whether results go to a terminal. */
  terminal: boolean;
  /** How large the terminal is now, in characters; undefined where results do not go to one. */
  size?: () => { columns: number; rows: number };
  /** Whether results may be coloured. */
  colour: boolean;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** The program's own reading of a stack's settings. */
  readSettings?: ReadSettings;
}

/** A parsed call. */
export interface Call extends CommandContext {
  options: ParsedOptions;
  positionals: string[];
}

/** A command of the tool. */
export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** What follows the command's name, for the help. */
  usage: string;
  /** More on what it does, in lines. */
  description: readonly string[];
  examples: readonly string[];
  options: Readonly<Record<string, OptionSpec>>;
  /** How many positional arguments there may be; none by default. */
  positionals?: { least: number; most: number };
  /** Returns the exit code. */
  run(call: Call): Promise<number>;
}

/** Which fleet, as every command takes it. */
export const fleetOptions: Readonly<Record<string, OptionSpec>> = {
  project: { value: "PROJECT", description: "the Google project (NIXOS_FLEET_PROJECT, GOOGLE_CLOUD_PROJECT)" },
  fleet: { value: "NAME", description: "the fleet, where the project has several (NIXOS_FLEET_FLEET)" },
  stack: { value: "NAME", description: "the stack, where the fleet has several (NIXOS_FLEET_STACK)" },
};

/** The values of a call's options. */
export class ParsedOptions {
  constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  /** Whether an option without value was given. */
  flag(name: string): boolean {
    return this.values[name] === true;
  }

  /** An option's value; an empty one counts as a mistake. */
  text(name: string): string | undefined {
    const value = this.values[name];
    if (typeof value !== "string") {
      return undefined;
    }
    if (value.trim() === "") {
      throw new UsageError(`--${name} is empty`);
    }
    return value;
  }

  /** The values of an option that may be given several times. */
  list(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
  }
}

/** Parses what follows a command's name; null where its help is asked for. */
export function parseCall(command: Command, args: readonly string[]): Pick<Call, "options" | "positionals"> | null {
  const specs = Object.entries(command.options).map(([name, { value, multiple }]) => {
    const type = value === undefined ? ("boolean" as const) : ("string" as const);
    return [name, { type, multiple: multiple ?? false }] as const;
  });
  const wanted = `./scripts/fleet ${command.name} --help shows what it takes`;
  let parsed: { values: Readonly<Record<string, unknown>>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...args],
      options: { ...Object.fromEntries(specs), help: { type: "boolean", short: "h" } },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    // Node's first sentence says what is wrong; the others give advice that does not fit here.
    const message = error instanceof Error ? (error.message.split(/[.\n]\s/)[0] ?? "") : "";
    throw new UsageError(oneLine(`${command.name}: ${message}; ${wanted}`, 300));
  }
  if (parsed.values["help"] === true) {
    return null;
  }
  const { least, most } = command.positionals ?? { least: 0, most: 0 };
  if (parsed.positionals.length > most) {
    throw new UsageError(
      oneLine(`${command.name}: unexpected argument ${parsed.positionals[most] ?? ""}; ${wanted}`, 300),
    );
  }
  if (parsed.positionals.length < least) {
    throw new UsageError(`${command.name}: an argument is missing: ${command.usage}; ${wanted}`);
  }
  return { options: new ParsedOptions(parsed.values), positionals: parsed.positionals };
}

/** A command's help, in lines. */
export function helpLines(command: Command): string[] {
  const options = [
    ...Object.entries(command.options).map(
      ([name, { value, description }]) => [`--${name}${value === undefined ? "" : ` ${value}`}`, description] as const,
    ),
    ["--help", "this text"] as const,
  ];
  const width = Math.max(...options.map(([left]) => left.length));
  return [
    `usage: ./scripts/fleet ${command.name} ${command.usage}`.trimEnd(),
    "",
    ...command.description,
    "",
    ...options.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
    "examples:",
    ...command.examples.map((example) => `  ./scripts/fleet ${example}`),
  ];
}
