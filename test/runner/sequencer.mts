/** The order in which test files start: long ones first, and machine-bound ones, which mostly wait, beside those that compute. */
import { readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { byWeight } from "./order.mts";

const project = resolve(import.meta.dirname, "../..");

/** Suites whose tests wait for machines most of the time. */
const waiting = ["agents", "faults", "e2e"];

/** File → seconds that it took when they were recorded (`./scripts/test --record`). */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, "durations.json"), "utf8")) as Record<
  string,
  number
>;

/** A new file's share: about 1 s for 4 kB. */
const guessed = (file: string) => statSync(file).size / 4000;

export class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const weight = ({ moduleId }: TestSpecification) => recorded[relative(project, moduleId)] ?? guessed(moduleId);
    const waits = ({ project: { name } }: TestSpecification) => waiting.includes(name);
    return Promise.resolve(byWeight(files, weight, waits));
  }
}
