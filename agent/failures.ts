/** Turns a failed step into an ending, with its consequences for later runs. */
import type { Stage } from "../rules/contract";
import { diskProblem, isTransient } from "../rules/decision/failure";
import { stageCodes, withCode } from "../rules/error-codes";
import { UpdateFailure } from "./driver";
import type { Ending } from "./ending";
import { isErrno } from "./host/files";
import { lastLine, log } from "./host/log";
import { isShuttingDown } from "./host/systemd";

/** Runs the steps until one fails, and returns the ending. Throws errors that come neither from a step nor from the file system. */
export async function succeededOrFailure(
  steps: () => Promise<Ending>,
  revision?: () => string | undefined,
): Promise<Ending> {
  try {
    return await steps();
  } catch (error) {
    if (error instanceof UpdateFailure) return (await cutShort(error.message)) ?? failedEnding(error, revision?.());
    // The error came from reading or writing a file of the agent's own.
    if (isErrno(error)) return failedEnding(fileFailure(error), undefined);
    throw error;
  }
}

/** Linux's disk errors by number (errno(3)); Node has no name for some of them. */
const diskErrors = new Map([
  [28, "full"],
  [122, "full"],
  [30, "read-only"],
  [5, "damaged"],
  [117, "damaged"],
]);

function fileFailure({ errno = 0, message }: NodeJS.ErrnoException): UpdateFailure {
  const problem = diskErrors.get(-errno);
  if (problem === undefined) return new UpdateFailure("fetch", message, "unknown");
  return new UpdateFailure("fetch", `the disk is ${problem}: ${message}`, "space");
}

/**
 * The ending of a failure during the machine's shutdown, which is not the revision's fault: the run after the boot continues.
 * `undefined` at other times.
 */
export async function cutShort(message: string): Promise<Ending | undefined> {
  if (!(await isShuttingDown())) return undefined;
  const error = `the machine is shutting down: ${lastLine(message)}`;
  log(error);
  return { outcome: "deferred", error, rolledBack: false, passes: true };
}

/** Writes to the journal where an update failed, and why. */
export function logFailure(stage: Stage, message: string): void {
  log(withCode(`failed at ${stage}: ${lastLine(message)}`, stageCodes[stage]));
}

function failedEnding({ stage, message, cause, refuse }: UpdateFailure, revision: string | undefined): Ending {
  logFailure(stage, message);
  return {
    outcome: "failed",
    stage,
    error: message,
    cause,
    rolledBack: false,
    ...(isTransient(cause) ? { retry: retryReason(cause, message) } : {}),
    ...(cause === "unknown" ? { unrecognised: revision === undefined ? {} : { revision } } : {}),
    ...(refuse && !isTransient(cause) && revision !== undefined ? { refuse: revision } : {}),
  };
}

function retryReason(cause: UpdateFailure["cause"], message: string): string {
  switch (cause) {
    case "network":
      return "the network or a server does not answer";
    case "refused":
      return "the repository refuses";
    case "space":
      return `the disk is ${diskProblem(message) ?? "out of order"}`;
    case "busy":
      return "something that the update needs was busy";
    default:
      return lastLine(message);
  }
}
