/** A home is started if its last run may have ended before its machine published what homes may run. */
import { expect, it } from "vitest";
import { mayHaveMissed } from "../../../rules/missed-homes";

const published = Date.parse("2026-11-30T08:00:05.500Z");

it.each([
  ["before it", "2026-11-30T08:00:04Z", true],
  ["in its second, before or after it", "2026-11-30T08:00:05Z", true],
  ["after it", "2026-11-30T08:00:06Z", false],
  ["at no known time", undefined, true],
  ["at a time that cannot be read", "yesterday", true],
])("one that ended %s", (_, ran, missed) => {
  expect(mayHaveMissed(ran, published)).toBe(missed);
});

it("not where nothing was published", () => {
  expect(mayHaveMissed("2026-11-30T08:00:04Z", undefined)).toBe(false);
});
