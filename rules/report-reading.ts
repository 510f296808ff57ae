/** What was read of a VM's reports: each may be missing, or be no report at all. */
import type { Report } from "./report";

/** A guest attribute as read: nothing there, a report, or something that is none. */
export type Reading =
  | { kind: "none" }
  /** `unknown` names fields of it that this version does not know; absent where there are none. */
  | { kind: "report"; report: Report; unknown?: readonly string[] }
  | { kind: "invalid"; problem: string };

/** What one VM said: of its system and, by user, of its homes. */
export interface VmReports {
  system: Reading;
  homes: Record<string, Reading>;
}

/** The report, where there is a valid one. */
export function reportOf(reading: Reading | undefined): Report | null {
  return reading?.kind === "report" ? reading.report : null;
}
