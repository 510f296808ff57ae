/** What an agent remembers after a run, and how it is read again, also what another version wrote. */
import { describe, expect, it } from "vitest";
import {
  deploymentOf,
  nextState,
  parseState,
  publishable,
  serializeState,
  type AgentState,
} from "../../../rules/agent-state";
import { contract } from "../../../rules/contract";
import { parseReport, reportOf } from "../../../rules/report";
import { A, B, C } from "./decision/cases";

const result = {
  outcome: "updated",
  toplevel: "/nix/store/new",
  rolledBack: false,
  rebootRequired: false,
  at: "2026-01-01T00:00:00Z",
  bootedAt: "2026-01-01T00:00:00Z",
  agent: "0",
} as const;
type Changes = Partial<Parameters<typeof nextState>[1]>;
const next = (before: AgentState, changes: Changes) => nextState(before, { ...result, ...changes });
const refusal = (revision: string) => ({ revision, error: "", rolledBack: false, at: result.at });

describe("the state after a run", () => {
  it("is a report with what the agent remembers", () => {
    const state = next({}, { revision: A, lock: "l", approved: A });
    expect(state).toMatchObject({ revision: A, approved: A, lock: "l", deployed: "/nix/store/new", refused: [] });
    const report = reportOf(publishable(state), { second: true });
    expect(parseReport(JSON.stringify(report))).toMatchObject({ ok: true, value: { revision: A, outcome: "updated" } });
  });

  it("remembers what ran before", () => {
    const first = next({}, { revision: A, lock: "l" });
    const second = next(first, { revision: B, lock: "m" });
    expect(first.previous).toBeUndefined();
    expect(second.previous).toBe(A);
    expect(next(second, { revision: B, lock: "m", outcome: "unchanged" }).previous).toBe(A);
    expect(next(second, { outcome: "failed", stage: "build", error: "x" }).previous).toBe(A);
  });

  it("keeps what is deployed when an update fails, and refuses what failed", () => {
    const failure = { outcome: "failed", stage: "build", error: "boom", refuse: { revision: B }, approved: B } as const;
    expect(next(next({}, { revision: A, lock: "l" }), failure)).toMatchObject({
      ...{ revision: A, lock: "l", approved: B, outcome: "failed", stage: "build", error: "boom" },
      refused: [{ revision: B, stage: "build", error: "boom", rolledBack: false, at: result.at }],
    });
  });

  it("says again what was deployed before, where what counted as deployed is rolled back after a boot", () => {
    const first = next({}, { revision: A, lock: "l", repository: "git://x/a" });
    const second = next(first, { revision: B, lock: "m", toplevel: "/nix/store/newer" });
    const rolledBack = next(second, {
      ...{ outcome: "failed", stage: "health", error: "boom", rolledBack: true, refuse: { revision: B } },
      restores: deploymentOf(first),
    });
    expect(rolledBack).toMatchObject({ outcome: "failed", refused: [{ revision: B }] });
    expect(deploymentOf(rolledBack)).toEqual(deploymentOf(first));
  });

  it("keeps what was deployed apart from what happens to run", () => {
    const before = next({}, { revision: A, lock: "l", repository: "git://x/a" });
    expect(next(before, { outcome: "held", toplevel: "/nix/store/by-hand" })).toMatchObject({
      toplevel: "/nix/store/by-hand",
      deployed: "/nix/store/new",
      repository: "git://x/a",
    });
  });

  it("forgives what is deployed, and remembers twenty", () => {
    const many = Array.from({ length: 20 }, (_, n) => refusal(n.toString(16).padStart(40, "0")));
    expect(next({ revision: A, refused: [refusal(B), ...many] }, { revision: B }).refused).toEqual(many);
    const refused = next({ revision: A, refused: many }, { refuse: { revision: C }, stage: "build" }).refused;
    expect(refused?.map(({ revision }) => revision)).toEqual([...many.slice(1).map(({ revision }) => revision), C]);
  });

  it("drops the failure of the run before", () => {
    const state = next(next({}, { outcome: "failed", stage: "fetch", error: "x" }), { revision: A, lock: "l" });
    expect([state.stage, state.error]).toEqual([undefined, undefined]);
  });

  it("has an error of bounded length, its end, without control characters", () => {
    const error = `\u001b[31m${"ä".repeat(5000)}\u001b[0m\u0007end\n`;
    const state = next({}, { outcome: "failed", error });
    expect(Buffer.byteLength(state.error ?? "")).toBeLessThanOrEqual(contract.report.errorBytes);
    expect(state.error).toMatch(/^ä+end$/);
  });
});

describe("a state's file", () => {
  it("is read as it was written", () => {
    const state = next({ revision: A }, { revision: B, lock: "l", refuse: { revision: C, repository: "git://x" } });
    expect(parseState(serializeState(state))).toEqual({ state, readable: true });
  });

  it("has a revision that an agent of before asks for, also before there is one", () => {
    expect(JSON.parse(serializeState({}))).toEqual({ revision: "" });
    expect(parseState(serializeState({}))).toEqual({ state: {}, readable: true });
  });

  it.each(['{"revision":"aa', "[1]", "null", "7"])("that is %s is not readable", (text) => {
    expect(parseState(text)).toEqual({ state: {}, readable: false });
  });

  it("loses a field of the wrong kind alone", () => {
    const text = JSON.stringify({ revision: A, deployed: 7, outcome: "fine", refused: [{ revision: B }, "x"] });
    expect(parseState(text)).toEqual({
      state: { revision: A, refused: [{ revision: B, error: "", rolledBack: false, at: "" }] },
      readable: true,
    });
  });
});
