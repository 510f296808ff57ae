/** A command that has ended. */
export interface CommandResult {
  exitCode: number;
  /** Standard output and error as they came. */
  text: string;
}

/** A command that runs. */
export interface RunningCommand {
  /** What it has said until now. */
  said: () => string;
  ended: Promise<CommandResult>;
}
