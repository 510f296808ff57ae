/**
 * `./scripts/test --mutants`: removes each safety rule in a copy of the project, and says which test caught that. Given words, as in
 * `node --require tsx/cjs test/mutants/run.ts WORDS`, only the rules that they stand in.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { mutants as all, type Mutant } from "./mutants";

const project = resolve(__dirname, "../..");
const words = process.argv.slice(2).join(" ");
const mutants = all.filter(({ rule }) => rule.includes(words));

/** The part of vitest's JSON report that is read. */
interface TestReport {
  /** Those that ran; the others were skipped. */
  numPassedTests: number;
  numFailedTests: number;
  testResults: { assertionResults: { status: string; fullName: string }[] }[];
}

/** The project as git knows it, changes included, with modules of its own: links, so that it costs nothing. */
async function copyProject(copy: string): Promise<void> {
  const { stdout } = await execa({ cwd: project })`git ls-files -co --exclude-standard -z`;
  for (const file of stdout.split("\0").filter((name) => name !== "")) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(project, file), join(copy, file), { preserveTimestamps: true });
  }
  await execa`cp --archive --link ${join(project, "node_modules")} ${join(copy, "node_modules")}`;
}

/** The names of the tests that fail in a copy; every test counts as failed where none ran. */
async function failures(
  copy: string,
  { tests, only }: Pick<Mutant, "tests" | "only">,
  options: readonly string[] = [],
): Promise<string[]> {
  const output = join(copy, "mutant-report.json");
  rmSync(output, { force: true });
  const some = only === undefined ? [] : ["--testNamePattern", only];
  const ran = await execa({
    cwd: copy,
    reject: false,
  })`npx vitest run --project unit --project program --project nix ${some} ${options} --reporter=json --outputFile.json=${output} ${tests}`;
  const report = JSON.parse(readFileSync(output, "utf8")) as TestReport;
  if (report.numPassedTests + report.numFailedTests === 0)
    throw new Error(`no test ran: ${tests.join(" ")}\n${ran.stderr}`);
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return results.filter(({ status }) => status === "failed").map(({ fullName }) => fullName);
}

/** The mutated text. @throws where the rule does not stand exactly once in its file: then the mutant is stale. */
function mutate(text: string, { file, before, after }: Mutant): string {
  const count = text.split(before).length - 1;
  if (count !== 1) throw new Error(`${file}: has ${count} times, and must have once: ${before}`);
  return text.replace(before, () => after);
}

async function main(): Promise<void> {
  if (mutants.length === 0) throw new Error(`no rule has the words "${words}"; test/mutants/*.ts name them`);
  const copy = mkdtempSync(join(tmpdir(), "nixos-fleet-mutants-"));
  const width = Math.max(...mutants.map(({ rule }) => rule.length));
  let survived = 0;
  try {
    await copyProject(copy);
    const whole = mutants.filter(({ only }) => only === undefined).flatMap(({ tests }) => tests);
    const alone = mutants.filter(({ only }) => only !== undefined);
    for (const tests of [...(whole.length > 0 ? [{ tests: [...new Set(whole)] }] : []), ...alone]) {
      const before = await failures(copy, tests);
      if (before.length > 0) throw new Error(`fails without any mutant: ${before.join("; ")}`);
    }
    for (const mutant of mutants) {
      const path = join(copy, mutant.file);
      const text = readFileSync(path, "utf8");
      writeFileSync(path, mutate(text, mutant));
      // One test is enough, and others may wait until their limit for what no longer happens.
      const [first] = await failures(copy, mutant, ["--bail=1"]);
      writeFileSync(path, text);
      if (first === undefined) survived++;
      const caught = first === undefined ? "SURVIVED" : `caught by "${first}"`;
      console.log(`${mutant.rule.padEnd(width)}  ${caught}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`\n${mutants.length - survived} passed, ${survived} failed`);
  process.exitCode = survived === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
