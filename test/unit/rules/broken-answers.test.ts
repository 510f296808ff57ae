/**
 * No answer of the metadata server that is malformed, cut short or a failure ever leads to an update that the whole answer would not have
 * allowed: any status, any cut of a body, any value of the wrong type at any place.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { decideSystem, fleetFactsOf } from "../../../rules/decision/decide-system";
import { isObject } from "../../../rules/text/json";
import type { Answer } from "../../../rules/metadata";
import { systemSituation, type SystemSituation } from "../differential/situations";
import { inputOf } from "../differential/system";

const seed = Number(process.env["NIXOS_FLEET_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env["NIXOS_FLEET_RUNS"] ?? 1_000);

type Answers = NonNullable<SystemSituation["answers"]>;
type Broken = (answers: Answers) => Answers;

const statuses = fc.oneof(
  fc.constantFrom(500, 502, 503, 429, 403, 401, 400, 301, 204, 0),
  fc.integer({ min: 100, max: 599 }),
);
/** A value of a type that none of these has: what is null counts as absent, so it breaks nothing. */
const wrongFor = (value: unknown): unknown[] =>
  [7, true, "x", [], {}, [[]], { url: {} }].filter((other) => kindOf(other) !== kindOf(value));
const kindOf = (value: unknown) => (Array.isArray(value) ? "array" : typeof value);

/** Answers 404 or 200 for another status are not broken: they say something else. */
const brokenAnswer: fc.Arbitrary<(answer: Answer) => Answer> = fc.oneof(
  fc.constant(() => undefined),
  statuses
    .filter((status) => status !== 200 && status !== 404)
    .chain((status) =>
      fc.constantFrom<(answer: Answer) => Answer>(
        (answer) => answer && { ...answer, status },
        () => ({ status, body: "" }),
      ),
    ),
  fc
    .double({ min: 0, max: 0.999, noNaN: true })
    .map(
      (part) => (answer: Answer) =>
        answer && { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length * part)) },
    ),
  fc.constantFrom("null", "[]", '"x"', "7", "<html>busy</html>").map((body) => () => ({ status: 200, body })),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([place, value]) =>
      (answer: Answer) =>
        answer && { ...answer, body: malformedAt(answer.body, place, value) },
  ),
);
/** A name that is cut short may be a name; that it is not whole is for the HTTP client to notice. */
const broken: fc.Arbitrary<Broken> = fc
  .tuple(fc.constantFrom("attributes", "instance", "instance", "name"), brokenAnswer)
  .map(([which, breaks]) => (answers) => {
    const answer = breaks(answers[which]);
    const isName = which === "name" && answer?.status === 200;
    return { ...answers, [which]: isName ? { ...answer, body: answer.body.slice(0, 1).replace(/\w/, "") } : answer };
  });

/** The text with a value of the wrong type at one place of it, however deep; attributes hold texts that are JSON themselves. */
function malformedAt(body: string, place: number, choice: number): string {
  let count = 0;
  replaced(parsed(body), () => ((count += 1), undefined));
  let left = place % count;
  return JSON.stringify(
    replaced(parsed(body), (value) => {
      left -= 1;
      const wrong = wrongFor(value);
      return left === -1 ? wrong[choice % wrong.length] : undefined;
    }),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The value with what `instead` answers for each place of it; undefined leaves a place as it is. */
function replaced(value: unknown, instead: (value: unknown) => unknown): unknown {
  const other = instead(value);
  if (other !== undefined) return other;
  const inner = typeof value === "string" ? parsed(value) : undefined;
  if (isObject(inner)) return JSON.stringify(replaced(inner, instead));
  if (Array.isArray(value)) return value.map((one) => replaced(one, instead));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replaced(one, instead)]));
}

/** Where a run may end, whatever git answers to what it asks. */
function goesTo(situation: SystemSituation): Set<string> {
  const found = new Set<string>();
  for (const head of [undefined, "d".repeat(40)])
    for (const descends of [undefined, true, false]) {
      const { action, target } = decideSystem({ ...inputOf(situation), head, descends });
      if (action === "update" && target !== undefined) found.add(target.revision);
    }
  return found;
}

/** What is nonsense already may become right by a change of its type. */
function isReadable(whole: SystemSituation): boolean {
  const { input, approvals, control } = fleetFactsOf(inputOf(whole));
  return input.metadata.kind !== "away" && control.ok && Object.keys(approvals.problems).length === 0;
}

const situation = systemSituation.filter((whole) => whole.answers !== undefined && isReadable(whole));

it("no broken answer moves a system where the whole one did not", () => {
  const seen = { moves: 0, away: 0 };
  fc.assert(
    fc.property(situation, broken, (whole, breaks) => {
      // A person who forces, or names a revision, decides alone.
      const asked = { ...whole, joined: true, force: false, wanted: "" };
      // What its own wave's approval names is allowed to every run, also to one that would rather go to the branch's head.
      const allowed = new Set([...goesTo(asked), ...goesTo({ ...asked, right: "approved" })]);
      const cut = { ...asked, answers: breaks(asked.answers as Answers) };
      const after = goesTo(cut);
      seen.moves += allowed.size > 0 ? 1 : 0;
      seen.away += inputOf(cut).metadata.kind === "away" ? 1 : 0;
      // What was cut may be what made the VM stay, and then nothing else may.
      for (const revision of after) if (!allowed.has(revision)) throw new Error(`goes to ${revision}, and not without`);
    }),
    { seed, numRuns },
  );
  console.log(
    `seed ${seed}: of ${numRuns} whole answers ${seen.moves} move the VM; ${seen.away} broken ones were away`,
  );
  expect(seen.moves).toBeGreaterThan(numRuns * 0.3);
});

it("a run whose answers were away does not end well, so root tells homes nothing new", () => {
  fc.assert(
    fc.property(situation, broken, (whole, breaks) => {
      const cut = { ...whole, joined: true, answers: breaks(whole.answers as Answers) };
      fc.pre(inputOf(cut).metadata.kind === "away");
      expect(decideSystem(inputOf(cut)).outcome).toMatch(/^(deferred|held)$/);
    }),
    { seed, numRuns: numRuns / 4 },
  );
});
