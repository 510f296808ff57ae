/** A home's decision: rules/ against the jq of version 0.1.0, under each jq that VMs have. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { count, expectSame, findJq, frozen, jqs, seed } from "./compare";
import { decidedHome, homeDifferences, homeJqInputOf, homeTargetFacts, homeSituation } from "./homes";
import { answerOf, eachTime } from "./jq";
import { inOldWords } from "./target-differences";
import { comparable, comparableAnswer } from "./system";

const samples = fc.sample(homeSituation, { numRuns: count, seed });

it("the situations lean to what is right: at least three in ten end in an update", () => {
  const many = fc.sample(homeSituation, { numRuns: 3000, seed });
  const updates = many.filter((one) => decidedHome(one).action === "update").length;
  console.log(`seed ${seed}: ${updates} of ${many.length} situations end in an update`);
  expect(updates).toBeGreaterThan(many.length * 0.3);
});

it.each(jqs)("a home decides as rules/ does, under jq %s", async (name) => {
  const jq = await findJq(name);
  if (jq === undefined) return;
  const answers = await jq.run(frozen, eachTime(frozen, "home.jq"), samples.map(homeJqInputOf));
  // Root's own notes about its file come along.
  const theirs = answers.map((one) =>
    answerOf(one, ({ "settings.mirror": _mirror, "settings.machineRevision": _machine, ...rest }) =>
      comparableAnswer(rest),
    ),
  );
  // The home of 0.1.0 does not repeat in its answer what is to be tried again.
  const ours = (situation: (typeof samples)[number]) =>
    inOldWords(comparable({ ...decidedHome(situation), retry: [] }), homeTargetFacts(situation));
  expectSame(`homes of agent 0.1.0, jq ${jq.version}`, samples, ours, theirs, homeDifferences);
});
