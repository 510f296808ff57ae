/** How often a status that goes on is read again: `fleet status --watch` and the dashboard. */
import type { Call } from "../command-line/command";
import type { FleetVm } from "../fleet";
import { readBranches, type Branch } from "./branch";

/** Milliseconds between two looks. */
export const lookInterval = 3_000;
/** Milliseconds for which it goes by what a branch was. */
const branchInterval = 60_000;
/** Reports that one of them reads again: with the lists 11 reads a second, below half of Compute's quota of 1,500 a minute. */
export const readsPerLook = 30;

/** Reads branches, and reads them again after a minute: who watches looks every few seconds. */
export function branchReader({ options, signal, env }: Call): (vms: readonly FleetVm[]) => Promise<Branch[]> {
  let last: { at: number; branches: Promise<Branch[]> } | undefined;
  return (vms) => {
    if (last === undefined || Date.now() - last.at > branchInterval)
      last = { at: Date.now(), branches: readBranches(vms, options.text("resolve-from"), { signal, env }) };
    return last.branches;
  };
}
