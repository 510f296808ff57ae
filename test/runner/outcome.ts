/** The outcome of a check, or of a suite's tests. */
export interface Outcome {
  seconds: number;
  passed: number;
  failures: Failure[];
}

export interface Failure {
  /** Which test, as a person looks for it: `test/unit/a.test.ts > the test`. */
  name: string;
  message: string;
}

/** The start of a message, indented: the whole of it stands where the test ran. */
export function described({ name, message }: Failure): string {
  const lines = message.split("\n").slice(0, 12);
  return [name, ...lines.map((line) => `    ${line}`)].join("\n");
}
