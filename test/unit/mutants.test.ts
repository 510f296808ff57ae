/** That each mutant still removes its rule: a change of the code about it must not leave it without one. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { mutants } from "../mutants/mutants";

it.each(mutants.map((mutant) => [mutant.rule, mutant] as const))("%s", (_, { file, before, after, tests }) => {
  const text = readFileSync(file, "utf8");
  expect(text.split(before)).toHaveLength(2);
  expect(text.replace(before, () => after)).not.toBe(text);
  expect(tests.filter((test) => !existsSync(test))).toEqual([]);
});
