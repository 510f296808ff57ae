/**
 * How often root publishes a home's report. Google answers ten queries for a VM's guest attributes a minute, a home's user may change
 * its state without pause, and the machine's own reports must get through.
 * https://docs.cloud.google.com/compute/docs/metadata/manage-guest-attributes
 */
import type { JsonObject } from "./text/json";

/** How many reports of a home root may still publish without waiting. */
interface PublishingBudget extends JsonObject {
  /** May be a fraction. */
  reports: number;
  /** When this was true, as `takeReport` was given the time. */
  at: number;
}

/** Reports in the budget of a home that was quiet. */
const BURST = 10;

/**
 * Takes one report from a budget that grows by one per interval, up to `BURST`.
 * @param before the budget of the last time; a full one if there was none, or if it cannot be read
 * @param now milliseconds since the boot, so that no one can set this clock
 * @param interval milliseconds
 * @returns what is left, or how many milliseconds to wait before the next try
 */
export function takeReport(
  before: JsonObject | undefined,
  now: number,
  interval: number,
): { left: PublishingBudget } | { wait: number } {
  const full = { reports: BURST, at: now };
  const { reports, at } = isBudget(before) ? before : full;
  const grown = Math.min(BURST, reports + (now - at) / interval);
  if (grown < 1) return { wait: Math.ceil((1 - grown) * interval) };
  return { left: { reports: grown - 1, at: now } };
}

const isBudget = (value: JsonObject | undefined): value is PublishingBudget =>
  typeof value?.["reports"] === "number" && typeof value["at"] === "number";
