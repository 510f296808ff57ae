/**
 * How long a VM waits before the update after its boot. The wait spreads the requests to the git server and the cache when a schedule
 * starts many VMs in the same minute. Each VM computes its own delay. Pure.
 */
import { evenHash } from "./even-hash";

/** Seconds at most. */
export const LONGEST_SPREAD = 60;
/** A share of the time since the boot: if updates begin 15 s after a boot, people do not wait a minute for them. */
const SHARE = 1 / 5;

/**
 * How many seconds this VM waits, rounded down to whole milliseconds.
 * @param boot identifies this boot, such as the kernel's boot id
 * @param uptime seconds since the boot
 */
export function bootSpread(boot: string, uptime: number): number {
  const longest = Math.min(LONGEST_SPREAD, Math.max(0, uptime) * SHARE);
  return Math.floor((evenHash(boot) / 2 ** 32) * longest * 1_000) / 1_000;
}
