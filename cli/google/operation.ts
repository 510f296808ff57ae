/** Compute's operations: every write returns one, and ends when its operation does. */
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { ApiError, mayPass } from "./api-error";
import { FleetError } from "../errors";
import { oneLine } from "../../rules/text/text";

/** Maximum milliseconds for a change of metadata: as long as Google's own provider waits. */
const metadataTimeout = 7 * 60_000;

/** The operation ended without success, so it changed nothing. */
export class OperationError extends ApiError {}

/**
 * Waits until an operation is done.
 * @param read reads the operation again
 * @throws OperationError
 */
export async function waitForOperation(
  operation: compute_v1.Schema$Operation,
  read: () => Promise<compute_v1.Schema$Operation>,
  pause: (milliseconds: number) => Promise<void>,
  timeout = metadataTimeout,
): Promise<void> {
  const end = Date.now() + timeout;
  let current = operation;
  for (let wait = 100; current.status !== "DONE"; wait = Math.min(2_000, wait * 1.5)) {
    if (Date.now() > end) {
      throw new FleetError(
        "NF202",
        `the Compute API's operation ${current.name ?? "?"} did not end within ${timeout / 1_000} s`,
      );
    }
    await pause(wait);
    current = await read();
  }
  const failure = current.error?.errors?.[0];
  if (failure !== undefined) {
    const status = current.httpErrorStatusCode ?? (failure.code === "CONDITION_NOT_MET" ? 412 : 400);
    throw new OperationError(
      oneLine(failure.message ?? failure.code ?? "operation failed"),
      status,
      failure.code ?? undefined,
      mayPass(status),
    );
  }
}
