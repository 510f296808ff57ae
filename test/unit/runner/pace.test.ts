import { expect, it } from "vitest";
import { crowding } from "../../setup/pace";

it("limits grow with what runs beside the tests, from the load of the tests alone on", () => {
  expect([0, 2, 10, 20, 40].map((load) => crowding(load, 2))).toEqual([1, 1, 1, 2, 4]);
});

it("no load makes a wait endless", () => {
  expect(crowding(10_000, 2)).toBe(8);
});
