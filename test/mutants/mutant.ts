/** A safety rule with a small change that removes it. The tests named beside it must then go red. */

export interface Mutant {
  /** The rule that is removed. */
  rule: string;
  /** Path in the project. */
  file: string;
  /** Text that stands in the file exactly once, and what takes its place. */
  before: string;
  after: string;
  /** Test files of the suites `unit`, `program` and `nix` in which the loss must show. */
  tests: readonly string[];
  /** Part of the name of the only test in them that is run, where all would take long. */
  only?: string;
}

/** Test files of the suite `unit`. */
export const unit = (...names: string[]) => names.map((name) => `test/unit/${name}.test.ts`);

/** A rule of the agents; its file without `agent/` and its suffix. */
export const agentRule = (
  file: string,
  rule: string,
  before: string,
  after: string,
  tests: readonly string[],
): Mutant => ({ rule, file: `agent/${file}.ts`, before, after, tests });
