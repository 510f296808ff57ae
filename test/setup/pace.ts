/** The one place that says how patient tests are: limits are written for an idle machine, and longer on a slower or busier one. */

/** How many times longer than written a limit is; vitest.config.mts measures it. */
export const pace = Number(process.env["NIXOS_FLEET_PACE"] ?? "1");

/** Milliseconds to wait for what takes at most so many seconds on an idle machine. */
export function patience(seconds: number): number {
  return seconds * 1000 * pace;
}
