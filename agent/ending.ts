/** How an attempt ended, before the state file and the report say so. */
import type { CutOff, Deployment } from "../rules/agent-state";
import type { Waiting } from "../rules/report";
import type { Outcome, Stage } from "../rules/contract";
import type { FailureCause } from "../rules/decision/failure";
import type { Trial } from "./state";

export interface Ending {
  outcome: Outcome;
  stage?: Stage;
  error?: string;
  cause?: FailureCause;
  rolledBack: boolean;
  /** Set if it is deferred for a moment, so that this is no answer to an approval. */
  passes?: true;
  /** Why the run is retried automatically. */
  retry?: string;
  /** When, if that is known. */
  retryAt?: Date;
  /** The revision that must not be retried. */
  refuse?: string;
  /** The revision that is deployed now, with its lock's digest. */
  revision?: string;
  lock?: string;
  lockMatches?: boolean;
  /** The store path of that revision. It may not run yet, or a specialisation of it runs. */
  deployed?: string;
  /** What is deployed again after the rollback of a revision that counted as deployed. */
  restores?: Deployment;
  /** Whether it runs only after a reboot. */
  reboot?: boolean;
  /**
   * Set if the trial is over. Its file stays until the state is written, so that neither a kill in between nor a full disk can lose how
   * the trial ended. The field names what waits for a reboot again, as it did before the trial.
   */
  trialOver?: { waitsAgain?: Trial };
  waiting?: Waiting;
  /** Set if the attempt counts for the limit of tries: what was tried, if that was known. */
  unrecognised?: { revision?: string };
  /** The revision after whose switch a server did not answer, and did not after the rollback either. */
  cutOff?: CutOff;
}

/** Whether only the network was missing. That is not a fault of the update and passes by itself. */
export function isOffline({ outcome, cause }: Ending): boolean {
  return outcome === "failed" && cause === "network";
}

export function endedWell(ending: Ending): boolean {
  return ending.outcome !== "failed" || isOffline(ending);
}
