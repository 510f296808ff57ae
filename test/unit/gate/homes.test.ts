import { describe, expect, it } from "vitest";
import { step } from "../../../rules/gate/verdict";
import { noProgress } from "../../../rules/gate/state";
import type { Reading } from "../../../rules/report-reading";
import { other, good, old, reading, reports, silent, vm } from "../cli/fleet-samples";
import { approved, before, failure, options, resultOf } from "./samples";

describe("homes", () => {
  const home = { user: "eve", attribute: "eve" };
  const own = { ...home, repository: "git://x/home.git", branch: "main" };
  const resultWith = (mode: "gate" | "report", one: Reading, kept = home, control = approved, system = reading()) => {
    const entry = { vm: vm("a", { homes: [kept] }), reports: reports(system, { eve: one }) };
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

  it.each(["held", "deferred"] as const)("that were %s before the VM had updated have not answered yet", (outcome) => {
    const said = (at: string, more = {}) => reading({ outcome, revision: old, approved: old, at, ...more });
    expect(resultWith("gate", said("2026-01-01T11:59:59Z"))).toEqual(["pending", "home eve does not run bbbbbbb yet"]);
    expect(resultWith("report", said("2026-01-01T11:59:59Z"))).toEqual(["succeeded", null]);
    for (const at of ["2026-01-01T12:00:00Z", "2026-01-01T12:00:04Z"])
      expect(resultWith("gate", said(at))).toEqual(["succeeded", `home eve ${outcome}`]);
    // It says itself what it is about.
    expect(resultWith("gate", said("2026-01-01T11:59:59Z", { approved: good }))[0]).toBe("succeeded");
    // A clone that cannot be fetched from since then starts no home.
    const stuck = reading({ outcome: "failed", stage: "fetch", error: "no", at: "2026-01-01T13:00:00Z" });
    expect(resultWith("gate", said("2026-01-01T12:00:04Z"), home, approved, stuck)[0]).toBe("succeeded");
  });

  it("that are deferred for a moment have not answered yet", () => {
    const said = (transient: boolean) => reading({ outcome: "deferred", revision: old, approved: good, transient });
    expect(resultWith("gate", said(true))).toEqual(["pending", "home eve does not run bbbbbbb yet"]);
    expect(resultWith("gate", said(false))).toEqual(["succeeded", "home eve deferred"]);
  });

  it("of a repository of their own that were held before have not answered yet", () => {
    const said = (at: string) => reading({ outcome: "held", revision: other, approved: other, at });
    expect(resultWith("gate", said("2026-01-01T11:59:59Z"), own)[0]).toBe("pending");
    expect(resultWith("gate", said("2026-01-01T12:00:00Z"), own)[0]).toBe("succeeded");
  });

  it("of a repository of their own are measured by its approval", () => {
    const mine = { [`${own.repository}#main`]: { revision: other, lock: "0".repeat(64) } };
    const control = { ...approved, approvals: { rest: { revision: good, lock: "0".repeat(64), homes: mine } } };
    expect(resultWith("gate", reading({ revision: other, approved: other }), own, control)[0]).toBe("succeeded");
    expect(resultWith("gate", reading(), own, control)[0]).toBe("pending");
  });
});
