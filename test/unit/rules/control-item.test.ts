import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Control } from "../../../rules/contract";
import {
  holdOn,
  noControl,
  parseControl,
  pruned,
  serializeControl,
  wantedBy,
  withHalt,
  withHold,
  withoutHolds,
  withoutRetry,
  withRetry,
  withUndo,
} from "../../../cli/control-item";
import { good, hold, old, other } from "../cli/fleet-samples";

const vm = { name: "dev-bob", wave: "rest" };
const scope = fc.constantFrom("fleet", "wave:rest", "wave:canary", "vm:dev-bob", "vm:dev-eve");
const revision = fc.constantFrom(old, good, other);
const control: fc.Arbitrary<Control> = fc.record({
  holds: fc.array(
    fc.tuple(scope, fc.option(revision, { nil: undefined })).map(([one, bound]) => hold(one, bound)),
    { maxLength: 4 },
  ),
  pins: fc.dictionary(fc.constantFrom("dev-bob", "dev-eve"), revision),
  instead: fc.dictionary(
    fc.constantFrom("rest", "canary"),
    fc.dictionary(revision, fc.oneof(revision, fc.constant("previous" as const))),
  ),
  retry: fc.uniqueArray(revision),
});

test.each([
  ["fleet", true],
  ["wave:rest", true],
  ["vm:dev-bob", true],
  ["wave:canary", false],
  ["vm:dev-eve", false],
])("a hold of %s holds dev-bob of wave rest: %s", (one, holds) => {
  expect(holdOn({ ...noControl, holds: [hold(one)] }, vm, good) !== undefined).toBe(holds);
});

test("a gate's hold lapses when the approval moves on, a person's stands", () => {
  const gates = { ...noControl, holds: [hold("wave:rest", good)] };
  expect(holdOn(gates, vm, good)).toBeDefined();
  expect(holdOn(gates, vm, other)).toBeUndefined();
  expect(holdOn({ ...noControl, holds: [hold("wave:rest")] }, vm, other)).toBeDefined();
});

test("a pin goes before an undo, an undo before the approval", () => {
  const undo = { ...noControl, instead: { rest: { [good]: old } } };
  expect(wantedBy(noControl, vm, good)).toBe(good);
  expect(wantedBy(undo, vm, good)).toBe(old);
  expect(wantedBy(undo, vm, other)).toBe(other);
  expect(wantedBy({ ...undo, pins: { "dev-bob": other } }, vm, good)).toBe(other);
  expect(wantedBy(undo, { ...vm, wave: "canary" }, good)).toBe(good);
  expect(wantedBy(noControl, vm, undefined)).toBeUndefined();
});

describe("edits", () => {
  it("hold and take back without a trace", () => {
    fc.assert(
      fc.property(control, scope, (before, one) => {
        const held = withHold(before, hold(one));
        expect(held.holds.filter((entry) => entry.scope === one && entry.revision === undefined)).toHaveLength(1);
        expect(withoutHolds(held, [one])).toEqual(withoutHolds(before, [one]));
      }),
    );
  });

  it("can be made twice, as compare-and-swap may", () => {
    fc.assert(
      fc.property(control, revision, (before, bad) => {
        const once = withRetry(before, bad);
        expect(withRetry(once, bad)).toEqual(once);
        expect(once.holds.some((entry) => entry.revision === bad)).toBe(false);
        expect(Object.values(once.instead).some((undone) => bad in undone)).toBe(false);
        expect(withoutRetry(once, bad).retry).not.toContain(bad);
      }),
    );
  });

  it("hold and undo against a revision until it is tried again, and leave other waves alone", () => {
    const told = { by: "the gate", why: "no", at: "now" };
    fc.assert(
      fc.property(control, revision, (before, bad) => {
        const halted = withHalt(before, ["rest"], bad, told);
        expect(holdOn(halted, vm, bad)).toBeDefined();
        const undone = withUndo(halted, ["rest"], bad, "previous");
        expect(undone.instead["rest"]?.[bad]).toBe("previous");
        expect(undone.holds.some((entry) => entry.scope === "wave:rest" && entry.revision === bad)).toBe(false);
        expect(undone.instead["canary"]).toEqual(before.instead["canary"]);
        for (const one of [halted, undone]) expect(one.retry).not.toContain(bad);
        expect(withUndo(undone, ["rest"], bad, "previous")).toEqual(undone);
        expect(withRetry(undone, bad).instead["rest"]?.[bad]).toBeUndefined();
      }),
    );
  });

  it("keep nothing that lapsed, and everything else", () => {
    const lapsed = hold("wave:rest", old);
    const standing = [hold("fleet"), hold("wave:rest", good), hold("vm:dev-bob", good)];
    const instead = { rest: { [good]: old, [old]: other }, canary: { [good]: old } };
    const before = { ...noControl, holds: [lapsed, ...standing], instead };
    expect(pruned(before, { rest: good, canary: other })).toEqual({
      ...noControl,
      holds: standing,
      instead: { rest: { [good]: old } },
    });
  });
});

describe("the item's value", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(control, (one) => {
        expect(parseControl(serializeControl(one))).toEqual(one);
      }),
    );
  });

  it("is absent where it would say nothing", () => {
    expect(serializeControl(noControl)).toBeUndefined();
    expect(parseControl(undefined)).toEqual(noControl);
  });

  test.each(["", "{", "[]", '{"holds":[{"scope":"all"}]}', '{"pins":{"a":"main"}}', '{"surprise":1}'])(
    "%j is refused",
    (value) => {
      expect(() => parseControl(value)).toThrow(/control item is not readable/);
    },
  );
});
