/** How an attempt ended, before the state file and the report say so. */
import type { Deployment } from "../rules/agent-state";
import type { Waiting } from "../rules/report";
import type { Outcome, Stage } from "../rules/contract";
import type { FailureCause } from "../rules/decision/failure";

export interface Ending {
  outcome: Outcome;
  stage?: Stage;
  error?: string;
  cause?: FailureCause;
  rolledBack: boolean;
  /** Why the run is tried again by itself. */
  retry?: string;
  /** When, where that is known. */
  retryAt?: Date;
  /** The revision that is not to be tried again. */
  refuse?: string;
  /** The revision that is deployed now, with its lock's digest. */
  revision?: string;
  lock?: string;
  lockMatches?: boolean;
  /** The store path that is deployed, where that is not what runs yet. */
  deployed?: string;
  /** What is deployed again, where a revision that counted as deployed was rolled back. */
  restores?: Deployment;
  /** Whether only a reboot brings it up. */
  reboot?: boolean;
  waiting?: Waiting;
  /** Set where a try failed for a reason that is not recognised: what was tried, where that was known. */
  unrecognised?: { revision?: string };
}

/** Whether only the network was missing. That is nobody's fault and passes by itself. */
export function isOffline({ outcome, cause }: Ending): boolean {
  return outcome === "failed" && cause === "network";
}

export function endedWell(ending: Ending): boolean {
  return ending.outcome !== "failed" || isOffline(ending);
}
