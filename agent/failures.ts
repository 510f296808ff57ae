/** A failed step as an ending, with what it means for later runs. */
import { isTransient } from "../rules/failure";
import { UpdateFailure } from "./driver";
import type { Ending } from "./ending";
import { isErrno } from "./files";
import { lastLine, log } from "./log";

/** What a run of steps comes to; one that fails ends it. Other errors than those of a step and of the file system are passed on. */
export async function succeededOrFailure(
  steps: () => Promise<Ending>,
  revision?: () => string | undefined,
): Promise<Ending> {
  try {
    return await steps();
  } catch (error) {
    if (error instanceof UpdateFailure) return failedEnding(error, revision?.());
    // A disk that is full or read-only, met while a file of the agent's own was written.
    if (isErrno(error)) return failedEnding(new UpdateFailure("fetch", error.message, "space"), undefined);
    throw error;
  }
}

function failedEnding({ stage, message, cause, refuse }: UpdateFailure, revision: string | undefined): Ending {
  log(`failed at ${stage}: ${lastLine(message)}`);
  return {
    outcome: "failed",
    stage,
    error: message,
    cause,
    rolledBack: false,
    ...(isTransient(cause) ? { retry: retryReason(cause, message) } : {}),
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
      return "the disk is full";
    case "busy":
      return "something that the update needs was busy";
    default:
      return lastLine(message);
  }
}
