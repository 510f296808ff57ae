/** The clock, and this boot. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readText, writeFileAtomic } from "./files";
import { processStat } from "./processes";

/** A time in the contracts' format: RFC 3339 in UTC, whole seconds. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

export const now = (): string => timestamp(Date.now());

/** Milliseconds since the boot, which setting the clock does not change. */
export const sinceBoot = (): number => Number(process.hrtime.bigint() / 1_000_000n);

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A number of seconds from the environment, in milliseconds. Tests shorten it. */
export function secondsFrom(variable: string, fallback: number): number {
  const seconds = Number(process.env[variable] ?? fallback);
  return (Number.isFinite(seconds) && seconds >= 0 ? seconds : fallback) * 1000;
}

/**
 * When this machine (or container) booted. The first caller after a boot decides, since the clock may be corrected later and the answer
 * must stay the same for the whole boot.
 */
export function bootedAt(runFolder: string): string {
  const file = join(runFolder, "booted-at");
  const known = readText(file);
  if (known !== undefined && /^\d{4}(-\d{2}){2}T(\d{2}:){2}\d{2}Z$/.test(known)) return known;
  const kernel = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
  const booted = timestamp((kernel + Math.floor(processStat(1).startTicks / 100)) * 1000);
  try {
    writeFileAtomic(file, booted);
  } catch {
    // The time is known even if /run is full.
  }
  return booted;
}
