/** When a VM that fails in the same way again and again stops trying all the time, and what makes it try again. */
import { describe, expect, it } from "vitest";
import { nextState, parseState, publishable, serializeState } from "../../../../rules/agent-state";
import type { AgentState, RunResult } from "../../../../rules/agent-state";
import {
  isFailing,
  nextTry,
  normalisedFailure,
  repeatedAfter,
  restsUntil,
  type RepeatedFailure,
} from "../../../../rules/decision/repeated-failure";

const [A, B] = ["a".repeat(40), "b".repeat(40)];
const boot = "2026-01-01T06:00:00Z";
const at = (minutes: number) => new Date(Date.UTC(2026, 0, 1, 7, minutes)).toISOString().replace(".000", "");

/** Tries at those minutes, each with its error. */
function failures(...tries: [minutes: number, error?: string, revision?: string][]): RepeatedFailure {
  let failure: RepeatedFailure | undefined;
  for (const [minutes, error = "error: odd", revision = A] of tries)
    failure = repeatedAfter(failure, { revision, stage: "build", error, at: at(minutes), bootedAt: boot });
  return failure ?? expect.fail();
}

describe("a VM is failing", () => {
  it.each<[string, RepeatedFailure, boolean]>([
    ["after three tries over an hour", failures([0], [30], [60]), true],
    ["not after two", failures([0], [90]), false],
    ["not after many within an hour", failures([0], [1], [3], [7], [15], [31], [59]), false],
    ["not where they end in different ways", failures([0], [30, "error: other"], [60]), false],
    ["not where another revision was tried", failures([0], [30], [60, "error: odd", B]), false],
  ])("%s", (_, failure, expected) => {
    expect(isFailing(failure)).toBe(expected);
  });

  it("whatever numbers, hashes and temporary names its errors have", () => {
    const error = (seed: string) =>
      `noise ${seed}\nerror: /tmp/nix-${seed}-0: hash ${seed.repeat(32)} of try ${seed.charCodeAt(0)} at 12:0${seed.charCodeAt(0) % 10}`;
    expect(normalisedFailure(error("a"))).toBe(normalisedFailure(error("b")));
    expect(isFailing(failures([0, error("a")], [30, error("b")], [60, error("c")]))).toBe(true);
  });
});

describe("a VM that is failing", () => {
  const failure = failures([0], [30], [60]);
  const tried = { revision: A, bootedAt: boot, now: new Date(at(120)), asked: false };

  it("rests for a day", () => {
    expect(nextTry(failure)).toEqual(new Date(at(60 + 24 * 60)));
    expect(restsUntil(failure, tried)).toEqual(nextTry(failure));
    expect(restsUntil(failure, { ...tried, now: nextTry(failure) })).toBeUndefined();
  });

  it.each([
    ["for another revision", { revision: B }],
    ["after a boot", { bootedAt: at(100) }],
    ["where someone asks", { asked: true }],
    ["where the clock went back", { now: new Date(at(-600)) }],
  ])("tries %s", (_, change) => {
    expect(restsUntil(failure, { ...tried, ...change })).toBeUndefined();
  });
});

describe("the state of a VM", () => {
  const result = (changes: Partial<RunResult>): RunResult => ({
    ...{ outcome: "failed", stage: "build", error: "error: odd", transient: true, unrecognised: { revision: A } },
    ...{ toplevel: "", rolledBack: false, rebootRequired: false, at: at(0), bootedAt: boot, agent: "0" },
    ...changes,
  });
  const unrecognised = (minutes: number) => result({ at: at(minutes) });
  const { unrecognised: _, ...recognised } = result({ at: at(40), error: "no network" });
  const after = (...results: RunResult[]) => results.reduce<AgentState>(nextState, {});

  it("counts what is not recognised, and leaves out what is", () => {
    const { repeated } = after(unrecognised(0), unrecognised(30), recognised, unrecognised(60));
    expect(repeated).toMatchObject({ revision: A, stage: "build", tries: 3, since: at(0), last: at(60) });
    expect(isFailing(repeated)).toBe(true);
  });

  it.each<Partial<RunResult>>([{ outcome: "updated" }, { outcome: "unchanged" }, { refuse: { revision: A } }])(
    "forgets it after %j",
    (end) => {
      expect(after(unrecognised(0), { ...recognised, ...end }).repeated).toBeUndefined();
    },
  );

  it("is reported as failing once it is, and as long as it fails", () => {
    const [twice, thrice] = [[0, 30].map(unrecognised), [0, 30, 60].map(unrecognised)];
    expect(publishable(after(...twice))).not.toHaveProperty("failing");
    const failing = { tries: 3, since: at(0), nextTry: at(60 + 24 * 60) };
    expect(publishable(after(...thrice))).toMatchObject({ failing });
    expect(publishable(after(...thrice, result({ outcome: "held" })))).not.toHaveProperty("failing");
    expect(publishable(after(...thrice, result({ outcome: "updated" })))).not.toHaveProperty("failing");
  });

  it("outlives its file, and a field of another shape is left out", () => {
    const state = after(unrecognised(0));
    expect(parseState(serializeState(state)).state).toEqual({ ...state, lock: "" });
    for (const repeated of [null, {}, { ...state.repeated, tries: "3" }, { ...state.repeated, since: "soon" }])
      expect(parseState(JSON.stringify({ ...state, repeated })).state.repeated).toBeUndefined();
  });
});
