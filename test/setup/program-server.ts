/** Starts program-server-process.ts, which loads the Pulumi program and its plugins once for a whole test, and points the engine at it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import type { ServerPorts } from "./program-server-process";

const dist = resolve(__dirname, "../../dist");
const serverScript = join(dist, "test/setup/program-server-process.js");

export interface ProgramServer {
  /** An option of the commands that run the program. */
  client: string;
  /** What the engine's environment needs besides. */
  env: Record<string, string>;
  /** Ends the process, which also ends with the test's process. */
  stop: () => void;
}

/**
 * @param program the folder of a bundled program
 * @param env of the program, the plugins and the commands that these run
 */
export async function startProgramServer(program: string, env: Record<string, string>): Promise<ProgramServer> {
  const child = fork(join(dist, "tools/start-bundle.js"), [serverScript, join(program, "index.js")], {
    cwd: program,
    env: { ...process.env, ...env },
    execArgv: ["--require", join(__dirname, "language-host/quick-start.cjs")],
  });
  const ended = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${serverScript} ended with ${String(code)}`)),
  );
  const [ports] = (await Promise.race([once(child, "message"), ended])) as [ServerPorts];
  ended.catch(() => undefined);
  const plugins = Object.entries(ports.plugins).map(([name, port]) => `${name}:${port}`);
  return {
    client: `--client=127.0.0.1:${ports.program}`,
    env: { PULUMI_DEBUG_PROVIDERS: plugins.join(",") },
    stop: () => child.disconnect(),
  };
}
