/** How the tool's commands are described and parsed; one description serves parsing, help and completion. */
import { Command as Parser, CommanderError, Option } from "commander";
import { didYouMean } from "../../rules/text/did-you-mean";
import { shapes } from "../../rules/shapes";
import { parseDuration } from "../../rules/text/duration";
import { UsageError } from "../errors";
import type { CommandName } from "./registry";
import type { ReadSettings } from "../stack";
import { oneLine } from "../../rules/text/text";

/** What a shell may offer for a value. */
export type Completion = "file" | "directory" | readonly string[];

/** An option of a command. */
export interface OptionSpec {
  /** What stands for the value in the help; an option without it takes none. */
  value?: string;
  /** May be given several times. */
  multiple?: boolean;
  /** The values that it may have. */
  choices?: readonly string[];
  /** What the value must look like, and how to say so. */
  form?: { pattern: RegExp; right: string };
  /** The environment variables that count if the option is not given, the first one first. */
  env?: string | readonly string[];
  complete?: Completion;
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
  /** Asks a question that is answered with yes or no; undefined if no one is there to answer. */
  confirm?: (question: string) => Promise<boolean>;
  /** Asks a question that is answered in words; undefined if no one is there to answer. */
  ask?: (question: string) => Promise<string>;
  /** How large the terminal is now, in characters; undefined if results do not go to one. */
  size?: () => { columns: number; rows: number };
  /** Whether results may be coloured. */
  colour: boolean;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** Reads a command with all that it takes. */
  loadCommand: (name: CommandName) => Command;
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
  name: CommandName;
  /** What follows the command's name, for the help. */
  usage: string;
  /** More on what it does, in lines. */
  description: readonly string[];
  examples: readonly string[];
  options: Readonly<Record<string, OptionSpec>>;
  /** How many positional arguments there may be; none by default. `verbs` are what the first of them may be. */
  positionals?: { least: number; most: number; verbs?: readonly string[]; complete?: Completion };
  /** Whether its output is for other programs, or laid out by itself: no line of it is broken for a terminal. */
  verbatim?: true;
  /** Returns the exit code. */
  run(call: Call): Promise<number>;
}

/** Which project, as every command takes it that needs Google. */
export const projectOption: OptionSpec = {
  value: "PROJECT",
  env: ["NIXOS_FLEET_PROJECT", "GOOGLE_CLOUD_PROJECT"],
  form: { pattern: /^[a-z][a-z0-9.:-]*$/, right: "a project's id, such as my-project-123" },
  description: "the Google project; gcp:project of the selected stack by default",
};

/** The names of fleets and stacks: both become label values, and part of a filter. */
export const label = { pattern: /^[a-z0-9_-]{1,63}$/, right: "1 to 63 lower-case letters, digits, - and _" };

/** A bucket of Cloud Storage. */
export const bucketForm = {
  pattern: shapes.bucket,
  right: "a bucket's name: 3 to 63 lower-case letters, digits, -, _ or .",
};

/** An account on a VM. */
export const userForm = { pattern: /^[a-z_][a-z0-9_.-]*$/i, right: "a user's name" };

/** Which fleet, as every command takes it. */
export const fleetOptions: Readonly<Record<string, OptionSpec>> = {
  project: projectOption,
  fleet: {
    value: "NAME",
    env: "NIXOS_FLEET_FLEET",
    form: label,
    description: "the fleet, where the project has several",
  },
  stack: {
    value: "NAME",
    env: "NIXOS_FLEET_STACK",
    form: label,
    description: "the stack, where the fleet has several",
  },
};

/** How a command that changes something asks for confirmation. */
export const changeOptions: Readonly<Record<string, OptionSpec>> = {
  yes: { description: "do not ask for confirmation" },
  "dry-run": { description: "show what would change, and change nothing" },
};

/** Who does it, of a command that writes history. */
export const byOption: OptionSpec = {
  value: "WHO",
  env: "NIXOS_FLEET_BY",
  description: "who does it, for the history; your Google account or USER@MACHINE by default",
};

/** Of a command that takes a revision: where this machine reads the config repository. */
export const revisionOptions: Readonly<Record<string, OptionSpec>> = {
  "resolve-from": {
    value: "URL",
    env: "NIXOS_FLEET_RESOLVE_FROM",
    description: "where to read the config repository, if not where the VMs do",
  },
};

/** Of a command that has VMs of a fleet go to a revision, or no longer. */
export const revisionChangeOptions: Readonly<Record<string, OptionSpec>> = {
  by: byOption,
  ...changeOptions,
  ...revisionOptions,
  ...fleetOptions,
};

/** The values of a call's options: as given, or from the environment. */
export class ParsedOptions {
  constructor(
    private readonly command: string,
    private readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
    private readonly specs: Readonly<Record<string, OptionSpec>> = {},
    private readonly env: NodeJS.ProcessEnv = {},
  ) {}

  /** Whether an option without value was given. */
  flag(name: string): boolean {
    return this.values[name] === true;
  }

  /** An option's value, else that of its environment variable. @throws UsageError if it is empty or not one of the choices */
  text(name: string): string | undefined {
    const given = this.values[name];
    if (typeof given === "string") return this.checked(name, `--${name}`, given);
    const variable = [this.specs[name]?.env ?? []].flat().find((one) => (this.env[one] ?? "") !== "");
    return variable === undefined ? undefined : this.checked(name, variable, this.env[variable] ?? "");
  }

  /** Seconds of an option whose value is a time. @throws UsageError if it is no time, or shorter than `least` */
  duration(name: string, fallback: string, least = 1): number {
    const text = this.text(name) ?? fallback;
    const seconds = parseDuration(text);
    if (seconds === undefined || seconds < least) {
      throw new UsageError(
        `${this.command}: --${name} is ${oneLine(text, 40)}; it must be a time such as 90s, 20m or 1h30m`,
      );
    }
    return seconds;
  }

  /** The values of an option that may be given several times. */
  list(name: string): readonly string[] {
    const value = this.values[name];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  private checked(name: string, where: string, value: string): string {
    if (value.trim() === "") throw new UsageError(`${this.command}: ${where} is empty`);
    const { choices, form } = this.specs[name] ?? {};
    if (form !== undefined && !form.pattern.test(value)) {
      throw new UsageError(`${this.command}: ${where} is ${oneLine(value, 80)}; it must be ${form.right}`);
    }
    if (choices !== undefined && !choices.includes(value)) {
      throw new UsageError(
        `${this.command}: ${where} is ${oneLine(value, 40)}; it must be ${listOf(choices)}${didYouMean(value, choices)}`,
      );
    }
    return value;
  }
}

function listOf(choices: readonly string[]): string {
  return choices.length <= 2 ? choices.join(" or ") : `one of ${choices.join(", ")}`;
}

/** Parses what follows a command's name; null if its help is asked for. @throws UsageError with one line */
export function parseCall(
  command: Command,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Pick<Call, "options" | "positionals"> | null {
  const help = `fleet ${command.name} --help shows how`;
  const parser = new Parser(command.name)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
    .helpOption("-h, --help")
    .allowExcessArguments();
  parser.argument("[words...]");
  const options = Object.entries(command.options).map(([name, spec]) => {
    const option = new Option(spec.value === undefined ? `--${name}` : `--${name} <value>`);
    if (spec.multiple === true) option.argParser((one: string, all: string[] | undefined) => [...(all ?? []), one]);
    parser.addOption(option);
    return { name, option };
  });
  try {
    parser.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return null;
    throw new UsageError(oneLine(`${command.name}: ${parserMessage(error, command)}; ${help}`, 300));
  }
  const values = Object.fromEntries(
    options.map(({ name, option }) => {
      const value: unknown = parser.opts()[option.attributeName()];
      // The parser reads `--no-wait` as "wait, unless it is given".
      return [name, option.negate ? value === false : value] as [string, string | boolean | string[]];
    }),
  );
  const optionAsValue = Object.entries(values).find(
    ([, value]) => typeof value === "string" && Object.keys(command.options).some((name) => value === `--${name}`),
  );
  if (optionAsValue !== undefined) {
    throw new UsageError(`${command.name}: --${optionAsValue[0]} has no value; ${help}`);
  }
  const positionals = checkPositionals(command, parser.args, help);
  const parsed = new ParsedOptions(command.name, values, command.options, env);
  // A value that is wrong is refused before anything is done.
  for (const name of Object.keys(command.options)) parsed.text(name);
  return { options: parsed, positionals };
}

function checkPositionals({ name, usage, positionals }: Command, words: readonly string[], help: string): string[] {
  const { least, most, verbs } = positionals ?? { least: 0, most: 0 };
  const [first] = words;
  if (verbs !== undefined && first !== undefined && !verbs.includes(first)) {
    throw new UsageError(
      oneLine(`${name}: unknown subcommand "${first}"; it must be ${listOf(verbs)}${didYouMean(first, verbs)}`, 300),
    );
  }
  if (words.length > most) {
    throw new UsageError(oneLine(`${name}: unexpected argument ${words[most] ?? ""}; ${help}`, 300));
  }
  if (words.length < least) {
    throw new UsageError(`${name}: an argument is missing: ${usage}; ${help}`);
  }
  return [...words];
}

/** The parser's own words, as a part of our line: without its prefix, and with its suggestion. */
function parserMessage({ code, message }: CommanderError, { options }: Command): string {
  const [first = "", suggestion = ""] = message.replace(/^error: /, "").split("\n");
  const [option = ""] = (/'([^' ]*)/.exec(first)?.[1] ?? "").split("=");
  if (code === "commander.optionMissingArgument") return `${option} has no value`;
  if (code !== "commander.unknownOption") return first;
  const meant = /Did you mean (?:one of )?([^?]*)\?/.exec(suggestion)?.[1];
  if (option.slice(2) in options) return `${option} takes no value`;
  return `unknown option ${option}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}
