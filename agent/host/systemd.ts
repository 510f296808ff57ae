/** systemd, as the agents query it: the system's manager, or a user's own. */
import { isObject, parseJson } from "../../rules/text/json";
import { run, succeeded } from "./process";

export type Manager = "system" | "user";

const TIMEOUT = 30_000;
/** For a question about the manager itself. A user may have stopped theirs. */
const patience = (manager: Manager) => ({ timeout: manager === "user" ? 10_000 : TIMEOUT });
const flags = (manager: Manager) => (manager === "user" ? ["--user"] : []);

export async function systemctl(manager: Manager, args: readonly string[], timeout = TIMEOUT): Promise<boolean> {
  return succeeded(await run("systemctl", [...flags(manager), ...args], { timeout }));
}

/** The manager's state, such as `running`, `degraded` or `starting`. */
export async function managerState(manager: Manager): Promise<string> {
  return (await run("systemctl", [...flags(manager), "is-system-running"], patience(manager))).stdout.trim();
}

/** Whether the machine is shutting down. Services stop and none starts then, so a failure does not show that an update is bad. */
export async function isShuttingDown(): Promise<boolean> {
  return (await managerState("system")) === "stopping";
}

/** When a manager started, in microseconds since the kernel's boot; 0 if it does not say. */
export async function managerStarted(manager: Manager): Promise<number> {
  const args = [...flags(manager), "show", "--property=UserspaceTimestampMonotonic", "--value"];
  return Number((await run("systemctl", args, patience(manager))).stdout.trim()) || 0;
}

/** The units that a manager starts, stops or reloads now, or will. */
export async function unitsWithJobs(manager: Manager): Promise<string[]> {
  const args = [...flags(manager), "list-jobs", "--plain", "--no-legend", "--full"];
  const { stdout } = await run("systemctl", args, patience(manager));
  return stdout.split("\n").flatMap((line) => line.trim().split(/\s+/)[1] ?? []);
}

/**
 * Properties of several units, in their order; a unit that does not exist has empty ones. None if the manager does not answer.
 * @param extra options of `systemctl show`
 */
export async function showUnits(
  manager: Manager,
  units: readonly string[],
  properties: readonly string[],
  { extra = [], timeout = TIMEOUT }: { extra?: readonly string[]; timeout?: number } = {},
): Promise<Record<string, string>[]> {
  if (units.length === 0) return [];
  const args = [...flags(manager), "show", ...extra, `--property=${properties.join(",")}`, "--", ...units];
  const finished = await run("systemctl", args, { timeout, keep: 8 * 1024 * 1024 });
  if (!succeeded(finished)) return [];
  return finished.stdout.split("\n\n").map((block) =>
    Object.fromEntries(
      block.split("\n").flatMap((line) => {
        const at = line.indexOf("=");
        return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
      }),
    ),
  );
}

/** When the first of these timers elapses; patterns are systemd's own. */
export async function nextElapse(manager: Manager, timers: readonly string[]): Promise<Date | undefined> {
  const args = [...flags(manager), "list-timers", "--output=json", ...timers];
  const { stdout } = await run("systemctl", args, { timeout: TIMEOUT });
  const listed = parseJson(stdout);
  const times = (Array.isArray(listed) ? listed : []).flatMap((timer) =>
    // Microseconds; 0 or empty if the timer does not elapse again.
    isObject(timer) && typeof timer["next"] === "number" && timer["next"] > 0 ? [timer["next"]] : [],
  );
  return times.length === 0 ? undefined : new Date(Math.min(...times) / 1000);
}

/** A unit as `list-units` lists it. */
export interface ListedUnit {
  id: string;
  activeState: string;
  subState: string;
}

/** The units that systemd has loaded, as the arguments of `list-units` select them; `undefined` if the manager does not answer. */
export async function listUnits(manager: Manager, args: readonly string[]): Promise<ListedUnit[] | undefined> {
  const finished = await run(
    "systemctl",
    [...flags(manager), "list-units", "--plain", "--no-legend", "--full", ...args],
    { timeout: TIMEOUT, keep: 8 * 1024 * 1024 },
  );
  if (!succeeded(finished)) return undefined;
  return finished.stdout.split("\n").flatMap((line) => {
    const [id = "", , activeState = "", subState = ""] = line.trim().split(/\s+/);
    return id === "" ? [] : [{ id, activeState, subState }];
  });
}

/** Starts a transient unit. @returns whether systemd accepted it */
export async function systemdRun(
  manager: Manager,
  options: readonly string[],
  command: readonly string[],
): Promise<boolean> {
  const args = [...flags(manager), "--quiet", "--collect", ...options, "--", ...command];
  return succeeded(await run("systemd-run", args, { timeout: TIMEOUT }));
}

/** The last lines that a unit wrote since the boot. */
export async function unitJournal(manager: Manager, unit: string, lines: number): Promise<string> {
  const args = [...flags(manager), `--unit=${unit}`, "--boot", `--lines=${lines}`, "--no-pager", "--output=cat"];
  return (await run("journalctl", args, { timeout: TIMEOUT })).stdout;
}
