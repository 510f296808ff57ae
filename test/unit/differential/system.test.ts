/** The system's decision: rules/ against the jq of the agent of version 0.1.0, which fleets still run, under each jq that VMs have. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { count, expectSame, findJq, frozen, jqs, seed } from "./compare";
import { differencesFrom010, targetFacts } from "./differences";
import { answerOf, eachTime } from "./jq";
import { inOldWords } from "./target-differences";
import { systemSituation, type SystemSituation } from "./situations";
import { comparable, comparableAnswer, decided, jqInputOf } from "./system";

const samples = fc.sample(systemSituation, { numRuns: count, seed });

it("the situations lean to what is right: at least three in ten end in an update", () => {
  const many = fc.sample(systemSituation, { numRuns: 3000, seed });
  const updates = many.filter((one) => decided(one).action === "update").length;
  console.log(`seed ${seed}: ${updates} of ${many.length} situations end in an update`);
  expect(updates).toBeGreaterThan(many.length * 0.3);
});

it.each(jqs)("a system decides as rules/ does, under jq %s", async (name) => {
  const jq = await findJq(name);
  if (jq === undefined) return;
  const inputs = samples.map((one) => jqInputOf(one));
  const answers = await jq.run(frozen, eachTime(frozen, "system.jq"), inputs);
  const theirs = answers.map((one) => answerOf(one, comparableAnswer));
  const ours = (situation: SystemSituation) => inOldWords(comparable(decided(situation)), targetFacts(situation));
  expectSame(`the system of agent 0.1.0, jq ${jq.version}`, samples, ours, theirs, differencesFrom010);
});
