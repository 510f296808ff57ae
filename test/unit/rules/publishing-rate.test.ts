import fc from "fast-check";
import { expect, it } from "vitest";
import { takeReport } from "../../../rules/publishing-rate";
import type { JsonObject } from "../../../rules/text/json";

const interval = 30_000;

/** When a home's reports are published if it has one at each of these times, and waits where it must. */
function publishedAt(times: readonly number[]): number[] {
  let budget: JsonObject | undefined;
  let now = 0;
  return times.map((time) => {
    now = Math.max(now, time);
    for (;;) {
      const taken = takeReport(budget, now, interval);
      if ("left" in taken) {
        budget = taken.left;
        return now;
      }
      now += taken.wait;
    }
  });
}

it("publishes ten reports at once, and then two a minute", () => {
  const times = publishedAt(Array.from({ length: 14 }, () => 0));
  expect(times.slice(0, 10)).toEqual(Array(10).fill(0));
  expect(times.slice(10)).toEqual([30_000, 60_000, 90_000, 120_000]);
});

it("lets a home that was quiet publish at once again", () => {
  const times = [...Array.from({ length: 10 }, () => 0), 10 * interval];
  expect(publishedAt(times).at(-1)).toBe(10 * interval);
});

it("begins from the start where the file has something else", () => {
  expect(takeReport({ reports: "many" }, 5, interval)).toEqual({ left: { reports: 9, at: 5 } });
});

it("never publishes more than the burst and one per interval, whenever the reports come", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 600_000 }), { maxLength: 60 }), (unordered) => {
      const times = publishedAt([...unordered].sort((one, other) => one - other));
      times.forEach((from, first) =>
        times
          .slice(first)
          .forEach((to, more) => expect(more + 1).toBeLessThanOrEqual(10 + (to - from) / interval + 1e-6)),
      );
    }),
  );
});
