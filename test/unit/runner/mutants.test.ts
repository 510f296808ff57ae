/** Every mutant fits the tree: a rename that a mutant misses shows here, not only when the mutants run. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { mutants } from "../../mutants/mutants";

const project = resolve(__dirname, "../../..");

it.each(mutants)("of $file: $rule", ({ file, before, tests, only = "" }) => {
  expect(readFileSync(join(project, file), "utf8").split(before)).toHaveLength(2);
  expect(tests.filter((test) => !existsSync(join(project, test)))).toEqual([]);
  expect(tests.filter((test) => readFileSync(join(project, test), "utf8").includes(only))).not.toEqual([]);
});
