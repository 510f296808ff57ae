/** Whether a home's own flake.lock locks what the machine's does. */
import { expect, it } from "vitest";
import { locksMatch } from "../../../../rules/lock/lock-matches";

const lockFile = (nixpkgs: string, homeManager: string, inputs: object = { nixpkgs: "n", "home-manager": "hm" }) =>
  JSON.stringify({
    root: "root",
    nodes: {
      root: { inputs },
      n: { locked: { narHash: nixpkgs } },
      hm: { inputs: { nixpkgs: ["nixpkgs"] }, locked: { narHash: homeManager } },
      other: { inputs: { nixpkgs: "n" } },
    },
  });
const followed = { nixpkgs: ["other", "nixpkgs"], other: "other", "home-manager": "hm" };
const circle = { nixpkgs: ["nixpkgs"], "home-manager": "hm" };

it.each([
  ["the same", lockFile("a", "b"), lockFile("a", "b"), true],
  ["another nixpkgs", lockFile("x", "b"), lockFile("a", "b"), false],
  ["another home-manager", lockFile("a", "x"), lockFile("a", "b"), false],
  ["one that follows another input", lockFile("a", "b", followed), lockFile("a", "b"), true],
  ["one that follows itself", lockFile("a", "b", circle), lockFile("a", "b"), false],
  ["no home-manager", lockFile("a", "b", { nixpkgs: "n" }), lockFile("a", "b"), false],
  ["no lock", lockFile("a", "b"), undefined, false],
  ["one that is not JSON", lockFile("a", "b"), "<<<<<<<", false],
])("%s", (_, one, other, wanted) => {
  expect(locksMatch(one, other)).toBe(wanted);
});
