/** The Pulumi program and its plugins, loaded once for all commands of the engine in a test: starts resident.ts, and points the engine at it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import type { Resident } from "./resident";

const started = resolve(__dirname, "../../dist/test/setup/resident.js");

export interface Residence {
  /** An option of the commands that run the program. */
  client: string;
  /** What the engine's environment needs besides. */
  env: Record<string, string>;
  /** Ends it; so does the end of the test's process. */
  leave: () => void;
}

/**
 * @param program the folder of a bundled program
 * @param env of the program, the plugins and the commands that these run
 */
export async function reside(program: string, env: Record<string, string>): Promise<Residence> {
  const child = fork(started, [join(program, "index.js")], { cwd: program, env: { ...process.env, ...env } });
  const ended = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${started} ended with ${String(code)}`)),
  );
  const [resident] = (await Promise.race([once(child, "message"), ended])) as [Resident];
  ended.catch(() => undefined);
  const ports = Object.entries(resident.plugins).map(([name, port]) => `${name}:${port}`);
  return {
    client: `--client=127.0.0.1:${resident.program}`,
    env: { PULUMI_DEBUG_PROVIDERS: ports.join(",") },
    leave: () => child.disconnect(),
  };
}
