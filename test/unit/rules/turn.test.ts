/** Turns: how a wave with `maxParallel` activates a revision one part after the other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { turnOf, turnsOf, waitsForTurn } from "../../../rules/decision/turn";

const revision = "a".repeat(40);
const names = (count: number) => Array.from({ length: count }, (_, index) => `dev-${index + 1}`);

describe("turns", () => {
  it.each([
    [10, undefined, 1],
    [10, 10, 1],
    [10, 50, 1],
    [10, 3, 4],
    [10, 5, 2],
    [1_000, 20, 64],
    [0, 5, 1],
  ])("of %i VMs, %s at once, are %i", (vms, maxParallel, turns) => {
    expect(turnsOf(vms, maxParallel)).toBe(turns);
  });

  it("change for a whole wave only when it doubles, so that one more VM changes no other VM's metadata", () => {
    const counts = Array.from({ length: 1_001 }, (_, vms) => turnsOf(vms, 20));
    expect([...new Set(counts)]).toEqual([1, 2, 4, 8, 16, 32, 64]);
    for (const [vms, turns] of counts.entries()) expect(vms / turns).toBeLessThanOrEqual(20);
  });

  it("have about as many VMs each as may activate at once", () => {
    const turns = names(1_000).map((vm) => turnOf(vm, revision, 50));
    const sizes = Array.from({ length: 50 }, (_, turn) => turns.filter((one) => one === turn).length);
    expect(Math.min(...sizes)).toBeGreaterThan(5);
    expect(Math.max(...sizes)).toBeLessThan(40);
  });

  it("are others for another revision", () => {
    const moved = names(100).filter((vm) => turnOf(vm, revision, 10) !== turnOf(vm, "b".repeat(40), 10));
    expect(moved.length).toBeGreaterThan(50);
  });
});

describe("a VM", () => {
  const since = new Date("2026-06-01T08:00:00Z");
  const length = 120_000;

  it("waits until its turn comes, and no longer", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 0, max: 1e9 }),
        (vm, turns, later) => {
          const now = new Date(since.getTime() + later);
          const until = waitsForTurn({ vm, revision, turns, length, since, now });
          const comes = since.getTime() + turnOf(vm, revision, turns) * length;
          expect(until?.getTime()).toBe(comes > now.getTime() ? comes : undefined);
          if (until !== undefined) {
            expect(until.getTime() - now.getTime()).toBeLessThan(turns * length);
            expect(waitsForTurn({ vm, revision, turns, length, since, now: until })).toBeUndefined();
          }
        },
      ),
    );
  });

  it("of a wave with one turn never waits", () => {
    fc.assert(
      fc.property(fc.string(), (vm) => {
        expect(waitsForTurn({ vm, revision, turns: 1, length, since, now: since })).toBeUndefined();
      }),
    );
  });
});
