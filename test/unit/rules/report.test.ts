/** Reports: what is published of a state, to whom, and how others read it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contract } from "../../../rules/contract";
import { isOldNews, parseReport, reportOf, type Report } from "../../../rules/report";

const state = {
  revision: "a".repeat(40),
  lock: "l",
  toplevel: "/nix/store/x",
  outcome: "failed",
  stage: "build",
  error: "boom",
  rolledBack: false,
  rebootRequired: false,
  at: "2026-01-01T00:00:00Z",
  bootedAt: "2026-01-01T00:00:00Z",
  agent: "0",
};
const added = {
  transient: true,
  activation: "boot",
  pending: { revision: "b".repeat(40), toplevel: "/nix/store/y" },
  waiting: { for: "window", until: "2026-01-02T00:00:00Z" },
  progress: { stage: "fetch", since: "2026-01-02T00:00:00Z" },
  failing: { tries: 3, since: "2026-01-01T00:00:00Z", nextTry: "2026-01-03T00:00:00Z" },
};

describe("what is published", () => {
  it("is the contract's fields and no others", () => {
    expect(reportOf({ ...state, refused: [], previous: "b", secret: "x" }, { second: true })).toEqual(state);
  });

  it("has the second version's fields only where they are known", () => {
    expect(reportOf({ ...state, ...added }, { second: false })).toEqual(state);
    expect(reportOf({ ...state, ...added }, { second: true })).toEqual({ ...state, ...added });
  });

  it("leaves out a new field that is wrong, and keeps the rest", () => {
    expect(reportOf({ ...state, waiting: { for: "godot" } }, { second: true })).toEqual(state);
    expect(reportOf({ ...state, failing: { tries: "3" } }, { second: true })).toEqual(state);
  });

  it.each([
    ["another outcome", { outcome: "fine" }],
    ["another stage", { stage: "lunch" }],
    ["a number for a revision", { revision: 7 }],
    ["a text for a boolean", { rolledBack: "no" }],
    ["a field missing", { at: null }],
    ["a list for a text", { error: ["x"] }],
  ])("is nothing with %s", (_name, changes) => {
    expect(reportOf({ ...state, ...changes }, { second: true })).toBeUndefined();
  });

  it("is bounded and printable, whatever a user writes, and can be read", () => {
    const wild = fc.string({ unit: "binary", maxLength: 5000 });
    fc.assert(
      fc.property(wild, wild, (error, agent) => {
        const report = reportOf(
          { ...state, ...added, error, agent, pending: { revision: agent, toplevel: error } },
          { second: true },
        );
        const text = JSON.stringify(report);
        expect(Buffer.byteLength(report?.error ?? "")).toBeLessThanOrEqual(contract.report.errorBytes);
        expect(text).not.toMatch(/\\u001b|\\u0000|\\u009b/);
        expect(parseReport(text)).toMatchObject({ ok: true });
      }),
    );
  });
});

describe("a report that is read", () => {
  it("may be of a newer agent", () => {
    const read = parseReport(JSON.stringify({ ...state, ...added, battery: 7 }));
    expect(read).toEqual({ ok: true, value: { ...state, ...added }, unknown: ["battery"] });
  });

  it("is old news where nothing but its time is new, and only if it says `unchanged`", () => {
    const report = { ...state, outcome: "unchanged" } as Report;
    expect(isOldNews(report, { ...report, at: "before" })).toBe(true);
    expect(isOldNews(report, { ...report, lock: "other" })).toBe(false);
    expect(isOldNews(state as Report, { ...state, at: "before" })).toBe(false);
    expect(isOldNews(report, undefined)).toBe(false);
  });
});
