/** Whether a new agent works on this machine. It is tested before its activation, since no later update could repair it. */
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { contract } from "../../rules/contract";
import { sandboxesToTest, selfTestUnit } from "../../rules/self-test";
import { UpdateFailure } from "../driver";
import { readText, remove } from "../host/files";
import { lastLines, run, succeeded } from "../host/process";
import { showUnits, systemctl } from "../host/systemd";

/** Milliseconds; the units and the home's agent have a minute. */
const TIMEOUT = 90_000;
const RUNTIME_UNITS = "/run/systemd/system";
const PREFIX = `${contract.units.system}-self-test-`;

/** How a unit ends if its process does not work. For any other end the machine is at fault: it has no memory, or is too slow. */
const PROCESS_FAILED = ["exit-code", "signal", "core-dump"];

/**
 * Why a system's agent does not work under the sandbox of a unit that the system ships.
 * @param running the system that runs now
 * @throws UpdateFailure if that is unknown
 */
export async function systemAgentError(
  toplevel: string,
  running: string,
  runFolder: string,
): Promise<string | undefined> {
  const settingsOf = (system: string) => readText(join(system, contract.paths.settings));
  const sandboxes = sandboxesToTest(
    agentUnits(toplevel),
    runningUnits(running),
    settingsOf(toplevel) === settingsOf(running),
  );
  const tests = [...sandboxes].map(([unit, sandbox], index) => ({
    ...{ unit, sandbox, name: `${PREFIX}${process.pid}-${index}.service` },
    output: join(runFolder, `self-test-${index}`),
  }));
  if (tests.length === 0) return undefined;
  removeUnits();
  for (const { name, sandbox, output } of tests)
    writeFileSync(join(RUNTIME_UNITS, name), selfTestUnit(sandbox, toplevel, output));
  const names = tests.map(({ name }) => name);
  try {
    // When systemd starts a unit that it has not loaded, it reads the unit's file.
    if (await systemctl("system", ["start", "--", ...names], TIMEOUT)) return undefined;
    const ends = await showUnits("system", names, ["Result", "ExecMainStatus"]);
    await systemctl("system", ["reset-failed", "--", ...names]);
    for (const [index, { unit, output }] of tests.entries()) {
      const { Result: result = "unknown", ExecMainStatus: status = "" } = ends[index] ?? {};
      if (result === "success") continue;
      const how = `${basename(toplevel)}: its agent fails its self-test under the sandbox of ${unit} (${result} ${status})`;
      const error = `${how}\n${lastLines(readText(output) ?? "", 10)}`.trimEnd();
      if (!PROCESS_FAILED.includes(result)) throw new UpdateFailure("verify", error, "unknown");
      return error;
    }
    throw new UpdateFailure("verify", `${basename(toplevel)}: systemd does not start its agent's self-test`, "unknown");
  } finally {
    removeUnits();
    for (const { output } of tests) remove(output);
  }
}

function removeUnits(): void {
  for (const file of readdirSync(RUNTIME_UNITS)) if (file.startsWith(PREFIX)) remove(join(RUNTIME_UNITS, file));
}

/** The units of a system that may run its agent: their names and texts. @throws where they cannot be read */
function agentUnits(system: string): Record<string, string> {
  const folder = join(system, "etc/systemd/system");
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names
      .filter((name) => name.startsWith(contract.units.system) && name.endsWith(".service"))
      .map((name) => [name, readText(join(folder, name)) ?? ""]),
  );
}

/** Those of the running system; none where they cannot be read, so that all of the new ones are tested. */
function runningUnits(system: string): Record<string, string> {
  try {
    return agentUnits(system);
  } catch {
    return {};
  }
}

/** The same for a home. Its unit has its user's rights and no sandbox. `unit` is the text of the unit of the home's agent. */
export async function homeAgentError(generation: string, unit: string): Promise<string | undefined> {
  const program = /^ExecStart=(\S+)/m.exec(unit)?.[1];
  if (program === undefined) return undefined;
  const finished = await run(program, ["self-test"], { timeout: TIMEOUT });
  // An agent from before the self-test does not know the command.
  if (succeeded(finished) || finished.status === 2) return undefined;
  const error = `${basename(generation)}: its agent fails its self-test\n${lastLines(finished.output, 10)}`.trimEnd();
  if (finished.limit !== undefined) throw new UpdateFailure("verify", error, "unknown");
  return error;
}
