/** What `./scripts/test` starts once the Node modules are there: it has read the options, see there. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { affectedBy, changedFiles, type Affected } from "./changed";
import { watchCpu } from "./cpu";
import { lint } from "./lint";
import { described } from "./outcome";
import { project } from "./project";
import { setUp } from "./setup";
import { clock, table, type Times } from "./table";
import { runVitest, type FileOutcome } from "./vitest";

const { values } = parseArgs({
  options: {
    /** Suites, with commas between them. */
    suites: { type: "string", default: "" },
    /** A commit: only what the files can affect that differ from it. */
    since: { type: "string" },
    all: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
  },
});

async function testFiles(): Promise<string[]> {
  const { stdout } = await execa({ cwd: project })`git ls-files -co --exclude-standard test/**/*.test.ts`;
  return stdout.split("\n");
}

/** Suites and files to run; all files of the suites where `files` is absent. */
async function chosen(): Promise<{ suites: string[]; changed?: string[]; affected?: Affected }> {
  const suites = values.suites.split(",").filter((name) => name !== "");
  if (values.since === undefined) return { suites };
  const changed = await changedFiles(values.since);
  const affected = affectedBy(changed, await testFiles());
  return { suites: ["lint", ...affected.suites], changed, affected };
}

function record(files: readonly FileOutcome[]): void {
  const kept = files.filter(({ file }) => file.startsWith("test/"));
  const seconds = kept.map(({ file, seconds }): [string, number] => [file, Math.round(seconds * 10) / 10]);
  const sorted = Object.fromEntries(seconds.sort(([a], [b]) => a.localeCompare(b)));
  writeFileSync(join(__dirname, "durations.json"), `${JSON.stringify(sorted, null, 2)}\n`);
}

/** @param only the files to look at */
async function runLint(only: readonly string[] | undefined): Promise<Times["checks"]> {
  await setUp(["lint"]);
  const checks: Times["checks"][number][] = [];
  await lint(only, (name, outcome) => {
    checks.push({ name, ...outcome });
    const failed = outcome.failures.map(({ message }) => `\n${message}`).join("");
    console.log(`lint ${name}: ${failed === "" ? "ok" : "FAILED"}, ${clock(outcome.seconds)}${failed}`);
  });
  return checks;
}

async function main(): Promise<number> {
  const begun = Date.now();
  const busy = watchCpu();
  const { suites, changed, affected } = await chosen();
  if (changed?.length === 0) {
    console.log(`nothing differs from ${values.since ?? ""}: nothing to test`);
    console.log("\n0 passed, 0 failed");
    return 0;
  }
  const tested = suites.filter((suite) => suite !== "lint");
  if (affected)
    console.log(
      `${changed?.length ?? 0} changed files; suites: ${suites.join(", ")}; e2e only as a whole: ./scripts/test e2e`,
    );
  const linting = suites.includes("lint") ? runLint(changed) : Promise.resolve([]);
  const setup = await setUp(tested);
  const files = tested.length === 0 ? [] : await runVitest(tested, affected?.files);
  const checks = await linting;
  if (values.record) record(files);
  const outcomes = [...checks, ...files];
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const whole = (Date.now() - begun) / 1000;
  console.log(["", ...table({ setup, checks, files, whole, busy: busy(), cores: cpus().length })].join("\n"));
  for (const failure of failures) console.log(`\nFAILED  ${described(failure)}`);
  console.log(`\n${passed} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    console.log("\n0 passed, 1 failed");
    process.exitCode = 1;
  },
);
