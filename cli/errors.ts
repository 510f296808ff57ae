/** An error whose message is meant for a person: printed as one line, without a stack. */
export class FleetError extends Error {
  override readonly name: string = "FleetError";
  /** The exit code of the command that ends with it. */
  readonly exitCode: number = 1;
}

/** What was typed makes no sense: exit code 2. */
export class UsageError extends FleetError {
  override readonly name = "UsageError";
  override readonly exitCode = 2;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
