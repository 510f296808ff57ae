import { expect, it } from "vitest";
import { closestTo, didYouMean } from "../../../rules/text/did-you-mean";

it.each([
  ["statsu", ["status", "start"], "status"],
  ["form", ["from", "for"], "from"],
  ["REST", ["rest", "canary"], "rest"],
  ["europe-wset1", ["europe-west1", "europe-west2"], "europe-west1"],
  ["dev-alcie", ["dev-alice", "dev-bob"], "dev-alice"],
  ["frobnicate", ["status"], undefined],
  ["same", ["same"], undefined],
  ["", ["a", "status"], "a"],
])("%j of %j is %j", (written, candidates, meant) => {
  expect(closestTo(written, candidates)).toBe(meant);
});

it("is said as the end of a line", () => {
  expect(didYouMean("statsu", ["status"])).toBe('; did you mean "status"?');
  expect(didYouMean("x", ["status"])).toBe("");
});
