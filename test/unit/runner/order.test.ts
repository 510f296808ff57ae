import fc from "fast-check";
import { expect, it } from "vitest";
import { byWeight } from "../../runner/order.mts";

const file = fc.record({ weight: fc.integer({ min: 1, max: 500 }), waits: fc.boolean() });
const ordered = (files: readonly { weight: number; waits: boolean }[]) =>
  byWeight(
    files,
    ({ weight }) => weight,
    ({ waits }) => waits,
  );

it("keeps every file, and begins with the heaviest of each kind", () => {
  fc.assert(
    fc.property(fc.array(file), (files) => {
      const sorted = ordered(files);
      expect(sorted).toHaveLength(files.length);
      for (const kind of [true, false]) {
        const weights = sorted.filter(({ waits }) => waits === kind).map(({ weight }) => weight);
        expect(weights).toEqual([...weights].sort((a, b) => b - a));
      }
    }),
  );
});

it("mixes the kinds by the share of their weight that has begun", () => {
  const files = [60, 30, 10].map((weight) => ({ weight, waits: true }));
  const others = [6, 3, 1].map((weight) => ({ weight, waits: false }));
  expect(ordered([...files, ...others]).map(({ weight }) => weight)).toEqual([60, 6, 30, 3, 10, 1]);
});
