import { describe, expect, it } from "vitest";
import { step } from "../../../rules/gate/verdict";
import { noProgress } from "../../../rules/gate/state";
import type { Reading } from "../../../rules/report-reading";
import { other, good, reading, reports, silent, vm } from "../cli/fleet-samples";
import { approved, before, failure, options, resultOf } from "./samples";

describe("homes", () => {
  const home = { user: "eve", attribute: "eve" };
  const own = { ...home, repository: "git://x/home.git", branch: "main" };
  const resultWith = (mode: "gate" | "report", one: Reading, kept = home, control = approved) => {
    const entry = { vm: vm("a", { homes: [kept] }), reports: reports(reading(), { eve: one }) };
    const state = step(
      noProgress,
      { at: 0, decisions: control, vms: [entry], fleetSize: 1 },
      { ...options, homes: mode },
    );
    return resultOf(state);
  };

  it("are shown, and count only where they should", () => {
    expect(resultWith("report", reading(failure))).toEqual(["succeeded", "home eve: build failed: said no"]);
    expect(resultWith("gate", reading(failure))).toEqual(["failed", "home eve: build failed: said no"]);
    expect(resultWith("report", before)).toEqual(["succeeded", null]);
    expect(resultWith("gate", before)).toEqual(["pending", "home eve does not run bbbbbbb yet"]);
    expect(resultWith("gate", silent)[0]).toBe("pending");
    expect(resultWith("gate", reading())).toEqual(["succeeded", null]);
    expect(resultWith("gate", reading({ outcome: "deferred" }))).toEqual(["succeeded", "home eve deferred"]);
  });

  it("of a repository of their own are measured by its approval", () => {
    const mine = { [`${own.repository}#main`]: { revision: other, lock: "0".repeat(64) } };
    const control = { ...approved, approvals: { rest: { revision: good, lock: "0".repeat(64), homes: mine } } };
    expect(resultWith("gate", reading({ revision: other, approved: other }), own, control)[0]).toBe("succeeded");
    expect(resultWith("gate", reading(), own, control)[0]).toBe("pending");
  });
});
