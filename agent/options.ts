/** The options of a run, which both agents have. */
import { isRevision } from "../rules/text/json";
import type { Trigger } from "../rules/decision/run-right";
import { Exit, oneLine, programName, type Program } from "./host/log";
import { optionsOf } from "./commands/usage";
import { triggers } from "./requests";

export interface RunOptions {
  trigger?: Trigger;
  by?: string;
  wanted?: string;
  force: boolean;
  once: boolean;
}

/** Those of a run without any. */
const noOptions: RunOptions = { force: false, once: false };

/**
 * Reads the options that the usage lists for a command. One that the command would ignore is refused, as an unknown one is.
 * @throws Exit if an option is not the command's, or its value is invalid
 */
export function readOptions(program: Program, command: string, words: readonly string[]): RunOptions {
  const options = { ...noOptions };
  const known = optionsOf(program, command).map(({ name }) => name);
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (!known.includes(word))
      throw new Exit(2, `${command}: unknown option "${oneLine(word)}"; see ${programName()} --help`);
    const value = words[index + 1];
    switch (word) {
      case "--trigger": {
        const trigger = triggers.find((known) => known === value);
        if (trigger === undefined) {
          const last = triggers.at(-1) ?? "";
          const known = `${triggers.slice(0, -1).join(", ")} or ${last}`;
          throw new Exit(2, `--trigger: "${oneLine(value ?? "")}" must be ${known}`);
        }
        options.trigger = trigger;
        index++;
        break;
      }
      case "--by":
        if (value === undefined) throw new Exit(2, "--by: expects the name of the requester");
        options.by = oneLine(value);
        index++;
        break;
      case "--revision":
        if (isRevision(value) !== undefined)
          throw new Exit(2, `--revision: "${oneLine(value ?? "")}" must be a full revision, 40 hexadecimal digits`);
        options.wanted = value ?? "";
        index++;
        break;
      case "--force":
        options.force = true;
        break;
      case "--once":
        options.once = true;
        break;
    }
  }
  return options;
}

/** Refuses arguments if a command takes none. @throws Exit */
export function takesNothing(command: string, words: readonly string[]): void {
  if (words.length > 0) throw new Exit(2, `${command}: takes no argument`);
}
