/** Failures that a VM tries again by itself: when they count, and when not. */
import { describe, expect, it } from "vitest";
import { noProgress } from "../../../rules/gate/state";
import { decide, step } from "../../../rules/gate/verdict";
import { old, reading, reports, vm } from "../cli/fleet-samples";
import { approved, before, options, resultOf, see } from "./samples";

describe("failures that pass by themselves", () => {
  const failing = (error: string) =>
    reading({ revision: old, outcome: "failed", stage: "fetch", error, transient: true });
  const seen = (at: number, said: Record<string, ReturnType<typeof reading>>) => ({
    at,
    decisions: approved,
    fleetSize: 3,
    vms: Object.entries(said).map(([name, one]) => ({ vm: vm(name), reports: reports(one) })),
  });
  const after = (...looks: Parameters<typeof seen>[]) =>
    looks.reduce((state, one) => step(state, seen(...one), { ...options, timeout: 600 }), noProgress);
  const away = (name: string) => failing(`HTTP 503 from 10.0.0.${name.charCodeAt(0)} for ${name}`);

  it("are shown, and waited for", () => {
    const state = after([0, { a: failing("HTTP 503") }]);
    expect(resultOf(state)).toEqual(["pending", "tries again: fetch failed: HTTP 503"]);
    expect(decide(state, options).outcome).toBe("open");
    expect(decide(after([0, { a: failing("HTTP 503") }], [60, { a: reading() }]), options).outcome).toBe("passed");
  });

  it("are failures once the VM tries again once a day only, and say nothing against the revision", () => {
    const nextTry = "2026-01-02T12:00:00Z";
    const error = { revision: old, outcome: "failed", stage: "fetch", error: "HTTP 503", transient: true } as const;
    const state = after([
      0,
      { a: reading({ ...error, failing: { tries: 3, since: "2026-01-01T10:00:00Z", nextTry } }) },
    ]);
    expect(state.vms.get("a")).toMatchObject({ result: "failed", transient: "fetch keeps failing: HTTP 503" });
    expect(decide(state, options).outcome).toBe("failed");
  });

  it("end a gate early when all that answered say the same for a while", () => {
    const both = { a: away("a"), b: away("b"), c: before };
    expect(decide(after([0, both], [119, both]), options).outcome).toBe("open");
    expect(decide(after([0, both], [120, both]), options)).toEqual({
      outcome: "failed",
      stopped: false,
      reason:
        "all 2 that answered say the same, and try again by themselves: fetch failed: HTTP 503 from 10.0.0.97 for a",
    });
  });

  it("do not, where one says something else, has succeeded, or may fail", () => {
    const others = [failing("no space left"), reading()];
    for (const b of others) {
      const mixed = { a: away("a"), b, c: before };
      expect(decide(after([0, mixed], [120, mixed]), options).outcome).toBe("open");
    }
    const one = { a: away("a"), b: before };
    const allowing = { ...options, maxFailures: { count: 1 } };
    expect(decide(after([0, one], [120, one]), allowing).outcome).toBe("open");
  });

  it("do not in a VM's first update: a new right to read the deploy key takes minutes", () => {
    const denied = reading({ revision: "", outcome: "failed", stage: "fetch", error: "HTTP 403", transient: true });
    expect(decide(after([0, { a: denied }], [599, { a: denied }]), options).outcome).toBe("open");
    expect(decide(after([0, { a: denied }], [600, { a: denied }]), options).outcome).toBe("failed");
    expect(decide(after([0, { a: denied }], [300, { a: reading() }]), options).outcome).toBe("passed");
  });

  it("are failures when the time is up", () => {
    const state = see([
      [0, failing("HTTP 503")],
      [100, failing("HTTP 503")],
    ]);
    expect(state.vms.get("a")).toMatchObject({ result: "failed", transient: "fetch failed: HTTP 503" });
  });
});
