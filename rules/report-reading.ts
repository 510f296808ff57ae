/** The result of reading a VM's reports: each may be missing or invalid. */
import type { Report } from "./report";

/** A guest attribute as read: nothing, a report, or something that is not a report. */
export type Reading =
  | { kind: "none" }
  /** `unknown` names the report's fields that this version does not know; absent if there are none. */
  | { kind: "report"; report: Report; unknown?: readonly string[] }
  | { kind: "invalid"; problem: string };

/** The reports of one VM: of its system and, by user, of its homes. */
export interface VmReports {
  system: Reading;
  homes: Record<string, Reading>;
}

/** The report, if there is a valid one. */
export function reportOf(reading: Reading | undefined): Report | null {
  return reading?.kind === "report" ? reading.report : null;
}
