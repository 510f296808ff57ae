/** The closing table: where the time went. */
import type { Outcome } from "./outcome";
import type { FileOutcome } from "./vitest";

/** Something that took its time, and from when to when where that is known. */
export interface Row {
  name: string;
  seconds: number;
}

export interface Times {
  /** What was made ready before the tests. */
  setup: readonly Row[];
  checks: readonly (Row & Pick<Outcome, "passed" | "failures">)[];
  files: readonly FileOutcome[];
  /** The whole run, in seconds. */
  whole: number;
  /** Share of the machine's CPUs that was in use meanwhile, from 0 to 1, by whomever. */
  busy: number;
  cores: number;
}

/** How many of the longest files are named. */
const LONGEST = 10;

/** `1:05` */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** The suite that a test file belongs to. */
const suiteOf = ({ file }: FileOutcome) => file.split("/")[1] ?? file;

/** Lines for people. */
export function table({ setup, checks, files, whole, busy, cores }: Times): string[] {
  const suites = [...new Set(files.map(suiteOf))].map((suite) => {
    const own = files.filter((file) => suiteOf(file) === suite);
    const sum = (of: (file: FileOutcome) => number) => own.reduce((total, file) => total + of(file), 0);
    return {
      name: suite,
      seconds: sum(({ seconds }) => seconds),
      detail: `${own.length} ${own.length === 1 ? "file" : "files"}, ${sum(({ passed, failures }) => passed + failures.length)} tests`,
    };
  });
  const longest = [...files].sort((a, b) => b.seconds - a.seconds).slice(0, LONGEST);
  const line = (name: string, seconds: number, detail = "") =>
    `  ${name.padEnd(44)} ${clock(seconds).padStart(7)}  ${detail}`.trimEnd();
  return [
    "where the time went (files of a suite run beside each other: their times add up to more than the whole)",
    ...setup.map(({ name, seconds }) => line(`set-up: ${name}`, seconds)),
    ...checks.map(({ name, seconds }) => line(`lint: ${name}`, seconds)),
    ...suites.map(({ name, seconds, detail }) => line(name, seconds, detail)),
    ...(longest.length > 1 ? ["the longest files"] : []),
    ...(longest.length > 1 ? longest.map(({ file, seconds }) => line(file, seconds)) : []),
    line("whole run", whole, `${Math.round(busy * 100)} % of ${cores} cores in use`),
  ];
}
