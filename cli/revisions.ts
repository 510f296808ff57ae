/** Revisions as people type them: a few digits, completed by what the fleet knows. */
import type { FleetContext } from "./context";
import { UsageError } from "./errors";
import { readAllReports, readVms } from "./fleet";
import { reportOf } from "./reports";
import { oneLine } from "./text";

/** @throws UsageError where the text is not the beginning of a revision; `command` is who says so */
export function checkRevision(command: string, written: string): void {
  if (!/^[0-9a-f]{7,40}$/.test(written)) {
    throw new UsageError(`${command}: ${oneLine(written, 60)} is no git revision of 7 to 40 hex digits`);
  }
}

/** The full revision that the fleet knows by these first digits: one of those that are known, or what a VM reports. */
export async function completeRevision(
  command: string,
  written: string,
  known: readonly string[],
  { compute, id }: FleetContext,
): Promise<string> {
  if (written.length === 40) {
    return written;
  }
  const fits = (revisions: readonly string[]) => [...new Set(revisions.filter((one) => one.startsWith(written)))];
  let found = fits(known);
  if (found.length === 0) {
    const reports = await readAllReports(compute, await readVms(compute, id));
    const systems = [...reports.values()].flatMap((one) => reportOf(one.system) ?? []);
    found = fits(systems.flatMap(({ revision, approved }) => [revision, approved ?? ""])).filter((one) =>
      /^[0-9a-f]{40}$/.test(one),
    );
  }
  const [only, ...more] = found;
  if (only === undefined || more.length > 0) {
    const why = only === undefined ? "no approval or report names it" : "several revisions start so";
    throw new UsageError(`${command}: ${written} cannot be completed (${why}); give all 40 digits`);
  }
  return only;
}
