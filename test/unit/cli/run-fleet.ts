/** Runs the operator's tool in this process, as a script would: no terminal, no colour. */
import type { Command, CommandContext } from "../../../cli/command-line/command";
import { run } from "../../../cli/cli";
import { command as awaitCommand } from "../../../cli/commands/await";
import { command as build } from "../../../cli/commands/build";
import { command as completion } from "../../../cli/commands/completion";
import { command as dashboard } from "../../../cli/commands/dashboard";
import { command as diff } from "../../../cli/commands/diff";
import { command as doctor } from "../../../cli/commands/doctor";
import { command as explain } from "../../../cli/commands/explain";
import { command as history } from "../../../cli/commands/history";
import { command as hold } from "../../../cli/commands/hold";
import { command as image } from "../../../cli/commands/image";
import { command as init } from "../../../cli/commands/init";
import { command as lock } from "../../../cli/commands/lock";
import { command as logs } from "../../../cli/commands/logs";
import { command as move } from "../../../cli/commands/move";
import { command as pin } from "../../../cli/commands/pin";
import { command as remove } from "../../../cli/commands/remove";
import { command as resume } from "../../../cli/commands/resume";
import { command as retry } from "../../../cli/commands/retry";
import { command as rollback } from "../../../cli/commands/rollback";
import { command as rollout } from "../../../cli/commands/rollout";
import { command as show } from "../../../cli/commands/show";
import { command as ssh } from "../../../cli/commands/ssh";
import { command as status } from "../../../cli/commands/status";
import { command as trigger } from "../../../cli/commands/trigger";
import type { CommandName } from "../../../cli/command-line/registry";

/** All commands; the tool reads each when it is called. */
export const commands: Readonly<Record<CommandName, Command>> = {
  await: awaitCommand,
  build,
  completion,
  dashboard,
  diff,
  doctor,
  explain,
  history,
  hold,
  image,
  init,
  lock,
  logs,
  move,
  pin,
  remove,
  resume,
  retry,
  rollback,
  rollout,
  show,
  ssh,
  status,
  trigger,
};

export interface FleetRun {
  code: number;
  /** Lines of the result. */
  out: string[];
  /** Lines about the work itself. */
  err: string[];
}

/** @param more what differs in its context */
export async function runFleet(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  more: Partial<CommandContext> = {},
): Promise<FleetRun> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(args, {
    env,
    print: (line) => out.push(line),
    printError: (line) => err.push(line),
    terminal: false,
    colour: false,
    signal: new AbortController().signal,
    loadCommand: (name) => commands[name],
    ...more,
  });
  return { code, out, err };
}

/** Who commits, for tests that do. */
export const identity = {
  GIT_CONFIG_COUNT: "2",
  GIT_CONFIG_KEY_0: "user.name",
  GIT_CONFIG_VALUE_0: "eve",
  GIT_CONFIG_KEY_1: "user.email",
  GIT_CONFIG_VALUE_1: "eve@example.com",
};
