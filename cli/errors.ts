import type { ErrorCode } from "../rules/error-codes";

/** An error whose message is meant for a person: printed as one line with its code, without a stack. */
export class FleetError extends Error {
  override readonly name: string = "FleetError";
  /** The exit code of the command that ends with it. */
  readonly exitCode: number = 1;
  /** Whether the change may have been made although the request failed, because its answer was lost. */
  mayBeMade = false;

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** What was typed makes no sense: exit code 2. */
export class UsageError extends FleetError {
  override readonly name = "UsageError";
  override readonly exitCode = 2;

  constructor(message: string) {
    super("NF201", message);
  }
}
