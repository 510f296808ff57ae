/** The suite `lint`: types, rules, formatting, the library's documentation, shell scripts and words, one check after the other, beside the tests. */
import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { bannedUseText, findBannedWords } from "../../tools/banned-words";
import { project } from "./project";
import type { Outcome } from "./outcome";

/** Version 7 checks types in a fifth of the CPU time of version 5, which TypeDoc and Pulumi still need. */
const typescript = "node_modules/typescript-7/bin/tsc";

interface Check {
  name: string;
  command: (files: Files) => readonly string[];
  /** Whether it is left out where its program is not there: `scripts/setup` says so. */
  optional?: true;
}

/** What the checks look at: the files that git knows, or some of them. */
interface Files {
  /** Undefined for all. */
  only: readonly string[] | undefined;
  scripts: readonly string[];
  /** GitHub's workflows. */
  workflows: readonly string[];
  texts: readonly string[];
}

/** What people outside wrote, the list itself, and a test that calls functions of an older version by their names. */
const quoting =
  /^(test\/fixtures\/|LICENSE$|tools\/banned-words\.ts$|test\/unit\/runner\/banned-words\.test\.ts$|test\/unit\/differential\/watch\.test\.ts$)|(^|\/)(package-lock\.json|.*\.lock|.*\.sum|durations\.json)$/;

/** Files of the kinds that a tool takes; the whole tree where all files are looked at. */
const some = ({ only }: Files, kinds: RegExp) => (only === undefined ? ["."] : only.filter((file) => kinds.test(file)));

const checks: readonly Check[] = [
  { name: "types", command: () => [typescript, "-p", "."] },
  { name: "types of the page", command: () => [typescript, "-p", "cli/dashboard/view"] },
  { name: "oxlint", command: (files) => ["oxlint", "--no-error-on-unmatched-pattern", ...some(files, /\.m?tsx?$/)] },
  {
    name: "format",
    command: (files) => [
      "oxfmt",
      "--check",
      "--no-error-on-unmatched-pattern",
      ...some(files, /\.(ts|tsx|css|mts|mjs|json|ya?ml)$/),
    ],
  },
  { name: "api", command: () => ["typedoc", "--emit", "none", "--disableSources", "--logLevel", "Warn"] },
  { name: "shellcheck", command: ({ scripts }) => ["shellcheck", "-x", "-P", "SCRIPTDIR", ...scripts] },
  { name: "shfmt", command: ({ scripts }) => ["shfmt", "-i", "2", "-ci", "-d", ...scripts] },
  { name: "actionlint", command: ({ workflows }) => ["actionlint", "-no-color", ...workflows], optional: true },
];

/** Checks that look at the project as a whole, and the files that may change what they find. */
const wholes: Readonly<Record<string, RegExp>> = {
  types: /./,
  "types of the page": /^(cli\/dashboard|rules)\//,
  api: /^(infra|rules)\//,
};

/** Whether a file of this kind is among those to look at. */
const touches = (only: readonly string[] | undefined, kind: RegExp) =>
  only === undefined || only.some((file) => kind.test(file));

/** Whether a file begins as a script to run does. */
function isScript(file: string): boolean {
  const start = Buffer.alloc(64);
  const open = openSync(join(project, file), "r");
  try {
    readSync(open, start);
  } finally {
    closeSync(open);
  }
  return /^#!.*\b(ba)?sh\b/.test(start.toString("latin1").split("\n")[0] ?? "");
}

async function filesOf(only: readonly string[] | undefined): Promise<Files> {
  const { stdout } = await execa({ cwd: project })`git ls-files -co --exclude-standard`;
  const known = stdout.split("\n").filter((file) => statSync(join(project, file), { throwIfNoEntry: false })?.isFile());
  const looked = only === undefined ? known : known.filter((file) => only.includes(file));
  return {
    only,
    scripts: looked.filter(isScript),
    workflows: looked.filter((file) => /(^|\/)\.github\/workflows\/[^/]+\.yml$/.test(file)),
    texts: looked.filter((file) => !quoting.test(file)),
  };
}

/**
 * Runs the checks.
 * @param only the files to look at, from the project's root, or undefined for all; types are always checked as a whole, the library's documentation where one of its files is among them
 * @param report is called with each check as it ends
 */
export async function lint(
  only: readonly string[] | undefined,
  report: (check: string, outcome: Outcome) => void,
): Promise<void> {
  const files = await filesOf(only);
  for (const { name, command, optional } of checks) {
    const [program = "", ...args] = command(files);
    // Without a file a tool would read standard input, or look at everything.
    const asked = args.some(
      (arg) => arg === "." || files.scripts.includes(arg) || files.workflows.includes(arg) || only?.includes(arg),
    );
    const whole = wholes[name];
    if (!(whole ? touches(only, whole) : asked)) continue;
    const begun = Date.now();
    const { exitCode, all, code } = await execa(program, args, {
      cwd: project,
      preferLocal: true,
      reject: false,
      all: true,
      stdin: "ignore",
    });
    if (code === "ENOENT" && optional) continue;
    const missing = code === "ENOENT" ? `${program} is not on PATH` : undefined;
    report(name, outcomeOf(name, begun, exitCode === 0 ? undefined : (missing ?? all)));
  }
  const begun = Date.now();
  report("words", outcomeOf("words", begun, usesOfBannedWords(files)));
}

/** The uses of banned words, a line each; undefined where there are none. */
function usesOfBannedWords({ texts }: Files): string | undefined {
  const uses = texts.flatMap((file) => {
    const text = readFileSync(join(project, file), "utf8");
    return text.includes("\0") ? [] : findBannedWords(text).map((use) => bannedUseText(file, use));
  });
  return uses.length === 0 ? undefined : uses.join("\n");
}

function outcomeOf(name: string, begun: number, problem: string | undefined): Outcome {
  return {
    seconds: (Date.now() - begun) / 1000,
    passed: problem === undefined ? 1 : 0,
    failures: problem === undefined ? [] : [{ name: `lint > ${name}`, message: problem }],
  };
}
