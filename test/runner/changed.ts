/** What a change of some files can affect. */
import { execa } from "execa";
import { project } from "./project";

export interface Affected {
  suites: string[];
  /** For vitest to find the test files that import them; test files among them stand for themselves. */
  files: string[];
}

/**
 * What no import tells: which suites' tests start the files of a folder as programs, read them, or have the real engine run them. `tests`
 * are the folders whose tests run whole.
 */
export const started: readonly { sources: RegExp; tests: readonly string[] }[] = [
  { sources: /^(infra\/|index\.ts|Pulumi|contract\.json|local\/plugins\/)/, tests: ["test/program"] },
  { sources: /^policy\//, tests: ["test/program/policy.test.ts"] },
  { sources: /^agent\/|^contract\.json/, tests: ["test/agents", "test/faults"] },
  { sources: /^(nix\/|flake\.|examples\/|templates\/)/, tests: ["test/nix"] },
  { sources: /^local\/(image|machines)\//, tests: ["test/agents/machines.test.ts"] },
  { sources: /^local\/config-repo\//, tests: ["test/agents"] },
  { sources: /^docs\/|^cli\/|^fleet\.ts/, tests: ["test/unit/cli/commands.test.ts"] },
  { sources: /^cli\/dashboard\//, tests: ["test/browser"] },
  { sources: /^docs\/google\.md/, tests: ["test/program/documented.test.ts"] },
];

/** Suites that run tests of a source which they import; the others' tests run only where a folder above or the suite itself is changed. */
const importing = ["unit", "nix"];

/** Files that differ from a commit, those that git does not know yet included. @throws where git knows no such commit */
export async function changedFiles(since: string): Promise<string[]> {
  const git = (...args: string[]) => execa({ cwd: project })("git", args);
  const [{ stdout: tracked }, { stdout: fresh }] = await Promise.all([
    git("diff", "--name-only", "--diff-filter=d", since, "--"),
    git("ls-files", "--others", "--exclude-standard"),
  ]);
  return [...new Set([...tracked.split("\n"), ...fresh.split("\n")])].filter((file) => file !== "");
}

/** @param tests all test files of the project */
export function affectedBy(changed: readonly string[], tests: readonly string[]): Affected {
  const whole = changed.flatMap((file) =>
    started.filter(({ sources }) => sources.test(file)).flatMap(({ tests }) => tests),
  );
  // A change of what a suite's tests share is a change of all of them.
  const harness = changed
    .filter((file) => /^test\/\w+\/.*(?<!\.test)\.ts$/.test(file))
    .map((file) => /^test\/\w+/.exec(file)?.[0] ?? "");
  const chosen = tests.filter(
    (test) =>
      changed.includes(test) || [...whole, ...harness].some((path) => test === path || test.startsWith(`${path}/`)),
  );
  const suites = new Set(chosen.map((test) => test.split("/")[1] ?? ""));
  const sources = changed.filter((file) => /\.(tsx?|mts|json)$/.test(file) && !file.startsWith("test/"));
  if (sources.length > 0) for (const suite of importing) suites.add(suite);
  return { suites: [...suites], files: [...sources, ...chosen] };
}
