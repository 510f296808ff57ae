/** Runs the operator's tool in this process, as a script would: no terminal, no colour. */
import type { CommandContext } from "../../../cli/command";
import { run } from "../../../cli/cli";

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
