/** The unit in which a new system's agent shows that it works: it runs under the sandbox of a unit from the new system. Pure. */

interface Sandbox {
  /** The agent's program, an absolute path. */
  program: string;
  /** Settings of [Service] that restrict a process, KEY=VALUE. */
  settings: string[];
}

/** Settings of [Service] that say what runs, when, how fast and with what output. */
const OTHER =
  /^(?:Exec.*|Type|Restart.*|RemainAfterExit|Timeout.*|SuccessExitStatus|RuntimeDirectory.*|Standard.*|SyslogIdentifier|Nice|CPUSched.*|IOSched.*|Memory(?:High|Max|Low|Min|Swap\w*|Accounting)|OOMPolicy|Watchdog.*|NotifyAccess|X-.*)$/;

/** The sandbox of a unit that runs the system's agent, by the text of its file; `undefined` for any other unit. */
export function sandboxOf(unit: string): Sandbox | undefined {
  const lines = unit.replaceAll(/\\\n\s*/g, " ").split("\n");
  const start = lines.indexOf("[Service]") + 1;
  if (start === 0) return undefined;
  const end = lines.findIndex((line, index) => index >= start && line.startsWith("["));
  const service = lines.slice(start, end < 0 ? undefined : end).filter((line) => /^[A-Za-z]/.test(line));
  const runs = service.map((line) => /^ExecStart=[-@:+!|]*(\/\S+\/nixos-auto-update)(?:\s|$)/.exec(line)?.[1]);
  const program = runs.find((path) => path !== undefined);
  if (program === undefined) return undefined;
  return { program, settings: service.filter((line) => !OTHER.test(line.slice(0, line.indexOf("=")).trim())) };
}

/**
 * Whose sandboxes a new system's agent is tested in: the names of units, one for each sandbox. Units that the running system has in the same
 * form show nothing new if the settings are the same as well, since the same program runs here in the same sandbox.
 * @param shipped the units of the new system by name, with their texts
 * @param running those of the running system
 * @param sameSettings whether the agent gets the same settings in both
 */
export function sandboxesToTest(
  shipped: Readonly<Record<string, string>>,
  running: Readonly<Record<string, string>>,
  sameSettings: boolean,
): Map<string, Sandbox> {
  const known = new Set(sameSettings ? Object.values(running).map((unit) => JSON.stringify(sandboxOf(unit))) : []);
  const found = new Map<string, Sandbox>();
  for (const [name, unit] of Object.entries(shipped)) {
    const sandbox = sandboxOf(unit);
    const key = JSON.stringify(sandbox);
    if (sandbox === undefined || known.has(key)) continue;
    known.add(key);
    found.set(name, sandbox);
  }
  return found;
}

/** The variable that says whose settings the self-test reads: the new system's store path. */
export const SELF_TEST_SYSTEM = "NIXOS_AUTO_UPDATE_SELF_TEST_SYSTEM";

/**
 * The text of the unit.
 * @param system the new system
 * @param output the file that gets the agent's output
 */
export function selfTestUnit({ program, settings }: Sandbox, system: string, output: string): string {
  return `[Unit]
Description=Self-test of the agent of a system that is about to be activated
[Service]
${settings.join("\n")}
Type=oneshot
Environment=${SELF_TEST_SYSTEM}=${system}
ExecStart=${program} self-test
# An agent from before there was a self-test does not know the command.
SuccessExitStatus=2
TimeoutStartSec=60
StandardOutput=truncate:${output}
StandardError=inherit
`;
}
