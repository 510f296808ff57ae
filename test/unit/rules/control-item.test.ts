import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
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
  type Control,
} from "../../../rules/rollout/control-item";
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
    const about = { by: "the gate", why: "no", at: "now" };
    fc.assert(
      fc.property(control, revision, (before, bad) => {
        const halted = withHalt(before, ["rest"], bad, about);
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
    const applicable = [hold("fleet"), hold("wave:rest", good), hold("vm:dev-bob", good)];
    const instead = { rest: { [good]: old, [old]: other }, canary: { [good]: old } };
    const before = { ...noControl, holds: [lapsed, ...applicable], instead };
    expect(pruned(before, { rest: good, canary: other })).toEqual({
      ...noControl,
      holds: applicable,
      instead: { rest: { [good]: old } },
    });
    // An approval that cannot be read may be for any revision.
    expect(pruned(before, { rest: null, canary: other })).toEqual({
      ...before,
      instead: { rest: { [good]: old, [old]: other } },
    });
  });
});

describe("the item's value", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(control, (one) => {
        expect(parseControl(serializeControl(one))).toEqual({ ok: true, value: one, unknown: [] });
      }),
    );
  });

  it("is absent where it would say nothing", () => {
    expect(serializeControl(noControl)).toBeUndefined();
    expect(parseControl(undefined)).toMatchObject({ ok: true, value: noControl });
  });

  test.each([
    ["", "not JSON"],
    ["{", "not JSON"],
    ["[]", "not a JSON object"],
    ['{"holds":[7]}', "holds[0]: must be an object"],
    ['{"holds":[{"scope":["fleet"]}]}', "holds[0].scope: must be a string"],
    ['{"holds":[{"scope":"fleet","revision":"main"}]}', /^holds\[0\].revision: must be a full git revision/],
    ['{"pins":{"a":"main"}}', /^pins.a: must be a full git revision/],
    ['{"instead":{"rest":[]}}', "instead.rest: must be an object"],
    ['{"retry":{}}', "retry: must be a list"],
  ])("%j is not readable: %s", (value, problem) => {
    const read = parseControl(value);
    expect(read.ok ? "readable" : read.problem).toEqual(
      typeof problem === "string" ? problem : expect.stringMatching(problem),
    );
  });

  it("keeps what newer versions write, and names it", () => {
    const newer = { freeze: {}, holds: [{ scope: "zone:a", by: "ann", why: "w", at: "t", until: "tomorrow" }] };
    const read = parseControl(JSON.stringify(newer));
    if (!read.ok) throw new Error(read.problem);
    expect(read.unknown).toEqual(["freeze", "holds[0].until", "holds[0].scope zone:a"]);
    const edited = withoutHolds(withHold(read.value, hold("fleet")), ["fleet"]);
    expect(JSON.parse(serializeControl(edited) ?? "")).toMatchObject(newer);
    expect(JSON.parse(serializeControl({ ...noControl, freeze: {} } as Control) ?? "")).toHaveProperty("freeze");
  });

  it("holds every VM by a scope that it does not know", () => {
    expect(holdOn({ ...noControl, holds: [hold("zone:a")] }, vm, undefined)).toBeDefined();
  });
});
