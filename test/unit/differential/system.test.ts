/** The system's decision: rules/ against the jq of the agent of version 0.1.0, which fleets still run, under each jq that VMs have. */
import fc from "fast-check";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { same } from "../../../rules/report";
import { differencesFrom010 as differences } from "./differences";
import { associative, eachTime, nativeJq, wasmJq } from "./jq";
import { systemSituation } from "./situations";
import { comparable, comparableAnswer, decided, jqInputOf, type Comparable } from "./system";

const seed = Number(process.env["NIXOS_FLEET_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env["NIXOS_FLEET_RUNS"] ?? 400);
const folder = join(__dirname, "../../fixtures/agent-0.1.0/nix/agent");

const samples = fc.sample(systemSituation, { numRuns: count, seed });

it("the situations lean to what is right: at least three in ten end in an update", () => {
  const many = fc.sample(systemSituation, { numRuns: 3000, seed });
  const updates = many.filter((one) => decided(one).action === "update").length;
  console.log(`seed ${seed}: ${updates} of ${many.length} situations end in an update`);
  expect(updates).toBeGreaterThan(many.length * 0.3);
});

describe("the agent of version 0.1.0", () => {
  it.each(["native", "jq-1.7", "jq-1.8"] as const)("decides as rules/ does, under jq %s", async (name) => {
    const jq = name === "native" ? nativeJq() : await wasmJq(name);
    if ("missing" in jq) {
      console.log(`skipped: ${jq.missing}`);
      return;
    }
    const inputs = samples.map((one) => jqInputOf(one));
    const answers = (await jq.run(folder, eachTime(folder, "system.jq"), inputs)) as JqAnswer[];
    const tally = new Map<string, number>();
    const unexpected = samples.flatMap((situation, index) => {
      const theirs = fromJq(answers[index]);
      const ours = comparable(decided(situation));
      const differing = fieldsThatDiffer(ours, theirs);
      const known = differences.filter(({ applies }) => applies(situation));
      const unknown = differing.filter((field) => !known.some(({ fields }) => fields?.includes(field) ?? true));
      if (unknown.length === 0) {
        const shown = known.filter(({ fields }) => differing.some((field) => fields?.includes(field) ?? true));
        for (const { name } of shown) tally.set(name, (tally.get(name) ?? 0) + 1);
        return [];
      }
      return [{ situation, ...Object.fromEntries(differing.map((field) => [field, [ours[field], theirs[field]]])) }];
    });
    const told = [...tally].map(([one, times]) => `${one}: ${times}`).join(", ");
    console.log(`seed ${seed}, jq ${jq.version}: allowed differences: ${told || "none"}`);
    // The shortest says most.
    const [shortest] = unexpected.map((one) => JSON.stringify(one, null, 1)).sort((a, b) => a.length - b.length);
    expect(shortest ?? "all agree", `seed ${seed}: ${unexpected.length} differ; [rules, jq]`).toBe("all agree");
  });
});

interface JqAnswer {
  answer?: string;
  error?: string;
}

function fromJq(given: JqAnswer | undefined): Comparable {
  return given?.answer === undefined
    ? { failed: given?.error ?? "no answer" }
    : comparableAnswer(associative(given.answer));
}

function fieldsThatDiffer(ours: Comparable, theirs: Comparable): string[] {
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...names].filter((name) => !same(ours[name], theirs[name]));
}
