/**
 * How long a VM waits before the update after its boot, so that VMs which a schedule starts in the same minute do not all ask the git server
 * and the cache in the same second. Each VM computes its own delay. Pure.
 */
import { evenHash } from "./even-hash";

/** Seconds at most. */
export const LONGEST_SPREAD = 60;
/** Of the time since the boot: where updates begin 15 s after a boot, people do not wait a minute for them. */
const SHARE = 1 / 5;

/**
 * Seconds, as whole milliseconds have them.
 * @param boot what tells this boot from all others, such as the kernel's boot id
 * @param uptime seconds since the boot
 */
export function bootSpread(boot: string, uptime: number): number {
  const longest = Math.min(LONGEST_SPREAD, Math.max(0, uptime) * SHARE);
  return Math.floor((evenHash(boot) / 2 ** 32) * longest * 1_000) / 1_000;
}
