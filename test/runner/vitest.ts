/** Runs vitest once over all chosen suites, and reads its report. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import type { Failure, Outcome } from "./outcome";
import { project } from "./project";

/** The part of vitest's JSON report that is read. */
interface Report {
  testResults: {
    name: string;
    status: string;
    message: string;
    /** Milliseconds since 1970. */
    startTime: number;
    endTime: number;
    assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
  }[];
}

/** A test file's outcome. */
export interface FileOutcome extends Outcome {
  /** From the project's root. */
  file: string;
}

/** Each test that failed, or that the file itself could not be run. */
function failuresOf({ name, status, message, assertionResults }: Report["testResults"][number]): Failure[] {
  const file = relative(project, name);
  const failed = assertionResults.filter((one) => one.status === "failed");
  if (failed.length === 0 && status === "failed")
    return [{ name: file, message: message || "its beforeAll or afterAll failed: see above" }];
  return failed.map(({ fullName, failureMessages = [] }) => ({
    name: `${file} > ${fullName}`,
    message: failureMessages[0] ?? "",
  }));
}

function read(report: Report): FileOutcome[] {
  return report.testResults.map((result) => ({
    file: relative(project, result.name),
    seconds: (result.endTime - result.startTime) / 1000,
    passed: result.assertionResults.filter(({ status }) => status === "passed").length,
    failures: failuresOf(result),
  }));
}

/**
 * Runs the suites' files, or those that are named: test files, and sources whose tests are found by their imports.
 * @throws where vitest itself did not come to an end
 */
export async function runVitest(suites: readonly string[], files?: readonly string[]): Promise<FileOutcome[]> {
  const scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-report-"));
  const output = join(scratch, "report.json");
  const chosen = suites.flatMap((suite) => ["--project", suite]);
  const args = [
    files === undefined ? "run" : "related",
    "--run",
    ...chosen,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${output}`,
  ];
  const program = join(project, "node_modules/vitest/vitest.mjs");
  try {
    const { exitCode } = await execa("node", [program, ...args, "--passWithNoTests", ...(files ?? [])], {
      cwd: project,
      reject: false,
      stdio: ["ignore", "inherit", "inherit"],
      // Each Node reads a site's certificates when it starts, which takes more CPU time than the start itself; no test reaches the site.
      env: { NODE_EXTRA_CA_CERTS: undefined },
    });
    if (!existsSync(output)) throw new Error(`vitest wrote no report and ended with ${exitCode ?? "a signal"}`);
    const outcomes = read(JSON.parse(readFileSync(output, "utf8")) as Report);
    const failed = outcomes.some(({ failures }) => failures.length > 0);
    // An error outside of every test, such as a promise that no one waited for.
    if (exitCode !== 0 && !failed) {
      const failure = { name: "vitest", message: `ended with ${exitCode ?? "a signal"}: see above` };
      outcomes.push({ file: "vitest", seconds: 0, passed: 0, failures: [failure] });
    }
    return outcomes;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
