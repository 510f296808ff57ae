import type { Command } from "./command-line/command";
import type { CommandName } from "./command-line/registry";

/**
 * Reads a command, and the libraries that it takes, when it is called: the tool starts at once. By `require`, since tsx resolves no
 * `import()` if it is started by --require itself.
 */
export function loadCommand(name: CommandName): Command {
  // oxlint-disable-next-line typescript/no-require-imports
  return (require(`./commands/${name}`) as { command: Command }).command;
}
