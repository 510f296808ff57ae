/** The one place that says how patient tests are: limits are written for an idle machine, and longer on a slower or busier one. */
import { cpus, loadavg } from "node:os";

/** How many times longer than written a limit is; vitest.config.mts measures it when the run starts. */
export const pace = Number(process.env["NIXOS_FLEET_PACE"] ?? "1");

/** Processes a core that want to run at once while nothing runs beside the tests. */
const USUAL = 5;
/** Beyond this a wait is for something that does not come. */
const MOST = 8;

/**
 * How many times longer things take because other work has come since the run started.
 * @param load processes that want to run, on average over the last minute
 */
export function crowding(load: number, cores: number): number {
  return Math.min(MOST, Math.max(1, load / cores / USUAL));
}

/** Whole milliseconds to wait, from now on, for what takes at most so many seconds on an idle machine. */
export function patience(seconds: number): number {
  return Math.ceil(seconds * 1000 * pace * crowding(loadavg()[0] ?? 0, cpus().length));
}
