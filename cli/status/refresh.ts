/** How often `fleet status --watch` and the dashboard read the status again. */
import type { Call } from "../command-line/command";
import type { FleetVm } from "../fleet";
import { readBranches, type Branch } from "./branch";

/** Milliseconds between two refreshes. Each VM's reports are read less often (`StatusReader`). */
export const refreshInterval = 3_000;
/** Milliseconds for which a read branch counts as current. */
const branchInterval = 60_000;
/** Reports that each refresh reads at most: 10 a second, below half of 1,500 a minute, Compute's usual quota of such requests in a region. */
export const reportsPerRefresh = 30;

/** Reads branches at most once a minute, although the status is read every few seconds. */
export function branchReader({ options, signal, env }: Call): (vms: readonly FleetVm[]) => Promise<Branch[]> {
  let last: { at: number; branches: Promise<Branch[]> } | undefined;
  return (vms) => {
    if (last === undefined || Date.now() - last.at > branchInterval)
      last = { at: Date.now(), branches: readBranches(vms, options.text("resolve-from"), { signal, env }) };
    return last.branches;
  };
}
