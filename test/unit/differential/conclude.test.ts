/** How a run ends: the state after it and the report, by rules/ and by the jq of version 0.1.0. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextState, parseState, publishable, serializeState, type RunResult } from "../../../rules/agent-state";
import { contract } from "../../../rules/contract";
import { isObject, parseObject, type JsonObject } from "../../../rules/text/json";
import { isOldNews, parseReport, reportOf } from "../../../rules/report";
import { count, expectSame, findJq, frozen, jqs, seed, type Difference } from "./compare";
import { hasOddState } from "./differences";
import { answerOf, eachTime } from "./jq";
import { often, optional, origin, revision, sometimes, state, text, withoutUndefined } from "./situations";

interface Ending {
  /** The state file's text. */
  state: string;
  result: RunResult;
  /** The report that was published last. */
  published: string;
}

const log = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "boom",
    "\u001b[31mred\u001b[0m\r\nno\t",
    "é".repeat(1500),
    "x".repeat(3000),
    "  spaces  ",
    "a\u0007b\u009bc",
  ),
);
const at = fc.constantFrom("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
const bootedAt = fc.constant("2026-01-01T08:00:00Z");
const base = { toplevel: fc.constantFrom("/nix/store/a", "/nix/store/b"), at, bootedAt, agent: fc.constant("0.1.0") };

const updated = fc.record({
  ...base,
  outcome: fc.constant("updated" as const),
  revision,
  lock: fc.constant("0".repeat(64)),
  repository: fc.constant(origin),
  approved: optional(revision),
  deployed: sometimes(fc.constant("/nix/store/c")),
  lockMatches: optional(fc.boolean()),
  rolledBack: fc.constant(false),
  rebootRequired: fc.boolean(),
});
const failed = fc.record({
  ...base,
  outcome: fc.constant("failed" as const),
  stage: fc.constantFrom(...(contract.stage as ("fetch" | "build")[])),
  error: log,
  approved: optional(revision),
  refuse: optional(fc.record({ revision })),
  rolledBack: fc.boolean(),
  rebootRequired: fc.boolean(),
});
const still = fc.record({
  ...base,
  outcome: fc.constantFrom("unchanged" as const, "held" as const, "deferred" as const),
  error: optional(log),
  approved: optional(revision),
  rolledBack: fc.constant(false),
  rebootRequired: fc.boolean(),
});

const ending: fc.Arbitrary<Ending> = fc
  .record({
    state: often(text(state), 20, fc.constant("")),
    result: fc.oneof({ arbitrary: updated, weight: 2 }, failed, still).map((one) => withoutUndefined(one) as RunResult),
    published: fc.constant(""),
    again: fc.boolean(),
  })
  .map(({ again, ...one }) => (again ? { ...one, published: JSON.stringify(ours(one).report ?? {}) } : one));

function ours({ state, result, published }: Ending): { state: unknown; report: unknown } {
  const after = nextState(parseState(state).state, result);
  const report = reportOf(publishable(after), { second: false });
  const isNews = report !== undefined && !isOldNews(report, parseObject(published));
  return { state: JSON.parse(serializeState(after)) as unknown, report: isNews ? report : null };
}

/** The named arguments of `conclude.jq`, as the agent's bash gives them. */
function jqInput({ state, result, published }: Ending): object {
  const { refuse, ...rest } = result;
  const own = { _contract: [contract010], _state: parseState(state).state, _published: published, _name: "x" };
  const others = { _mirror: "", _retry: [], _homes: [], _knownHosts: "" };
  return {
    input: null,
    named: { ...own, ...others, ...rest, ...(refuse === undefined ? {} : { refuse: refuse.revision }) },
  };
}

/** As that version knew it. */
const contract010 = {
  ...contract,
  version: 1,
  report: { fields: contract.report.fields, errorBytes: contract.report.errorBytes },
};

const samples = fc.sample(ending, { numRuns: count, seed });

const isUpdate = ({ result }: Ending) => result.outcome === "updated";
const differences: readonly Difference<Ending>[] = [
  {
    name: "a state forgot what it was built as when it was made again",
    fields: ["state"],
    applies: ({ state }) => "attribute" in parseState(state).state || hasKeptRefusal(state),
  },
  { name: "a state with a value of the wrong type was kept", applies: hasOddState },
];

/** Whether a refusal of it says from where and as what, which 0.1.0 kept without looking at it. */
function hasKeptRefusal(state: string): boolean {
  return (parseState(state).state.refused ?? []).some((one) => "repository" in one || "attribute" in one);
}

describe("how a run ends", () => {
  it("at least three in ten are updates", () => {
    expect(samples.filter(isUpdate).length).toBeGreaterThan(samples.length * 0.3);
  });

  it.each(jqs)("is noted and reported as rules/ does, under jq %s", async (name) => {
    const jq = await findJq(name);
    if (jq === undefined) return;
    const answers = await jq.run(frozen, eachTime(frozen, "conclude.jq"), samples.map(jqInput));
    const theirs = answers.map((one) =>
      answerOf(one, ({ state = "", report = "" }) => ({
        state: JSON.parse(state) as unknown,
        report: report === "" ? null : (JSON.parse(report) as unknown),
      })),
    );
    expectSame(`the end of a run of agent 0.1.0, jq ${jq.version}`, samples, ours, theirs, differences);
    // What an old agent reports today's tool reads, and without a field that it would not know.
    for (const { report } of theirs as { report?: unknown }[])
      if (isObject(report))
        expect(parseReport(JSON.stringify(report))).toEqual({ ok: true, value: report, unknown: [] });
  });

  it.each(jqs)("of whatever a user wrote for a home's state, the same is published, under jq %s", async (name) => {
    const jq = await findJq(name);
    if (jq === undefined) return;
    const anything = fc.tuple(state, fc.string(), fc.anything(), fc.boolean()).map(([one, field, value, clean]) => {
      const report = {
        ...one,
        toplevel: "/nix/store/x",
        bootedAt: "x",
        agent: "1",
        rolledBack: false,
        rebootRequired: false,
      };
      const names = [...Object.keys(contract.report.fields), field];
      return clean ? report : { ...report, [names[field.length % names.length] ?? field]: value };
    });
    const states = fc
      .sample(anything, { numRuns: count, seed })
      .map((one) => JSON.parse(JSON.stringify(one)) as JsonObject);
    const inputs = states.map((one) => ({ state: one, contract: contract010 }));
    const answers = await jq.run(frozen, 'include "report"; { report: report }', inputs);
    const reported = (one: JsonObject) => ({ report: reportOf(one, { second: false }) ?? null });
    expectSame(`reports of agent 0.1.0, jq ${jq.version}`, states, reported, answers as JsonObject[], []);
  });
});
