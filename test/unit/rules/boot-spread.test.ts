/** The delay of the update after a boot: even over a fleet, never long, and nothing that anyone hands out. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { bootSpread, LONGEST_SPREAD } from "../../../rules/decision/boot-spread";

const all = (count: number, uptime: number) =>
  Array.from({ length: count }, (_, index) => bootSpread(`0b5d6a1e-${index} dev-${index}`, uptime));

it("is spread over a minute where updates begin five minutes after a boot", () => {
  const seconds = all(1_000, 300).map(Math.floor);
  const busiest = Math.max(
    ...Array.from({ length: 60 }, (_, second) => seconds.filter((one) => one === second).length),
  );
  expect(new Set(seconds).size).toBe(60);
  // 17 a second on average.
  expect(busiest).toBeLessThan(35);
});

it("is short where they begin soon after a boot", () => {
  expect(Math.max(...all(1_000, 15))).toBeLessThan(3);
});

it("is the same at each call of one boot, within its limits, and nothing at once after the boot", () => {
  fc.assert(
    fc.property(fc.string(), fc.double({ min: 0, max: 1e9, noNaN: true }), (boot, uptime) => {
      const seconds = bootSpread(boot, uptime);
      expect(seconds).toBe(bootSpread(boot, uptime));
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(seconds).toBeLessThanOrEqual(Math.min(LONGEST_SPREAD, uptime / 5));
    }),
  );
  expect(bootSpread("x", -1)).toBe(0);
});

it("is another one at another boot", () => {
  const moved = all(100, 300).filter((seconds, index) => seconds !== bootSpread(`1c6e7b2f-${index} dev-${index}`, 300));
  expect(moved.length).toBeGreaterThan(95);
});
