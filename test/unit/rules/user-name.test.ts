/** The users that homes may have: one rule for the settings of the stack, the NixOS module and the agent. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { isUserName } from "../../../agent/home/users";
import { userName } from "../../../infra/config/schema";

const [, nix = ""] = /userName = text "(.*?)"/.exec(readFileSync("nix/modules/types.nix", "utf8")) ?? [];

it.each([
  ["alice", true],
  ["_x-1", true],
  ["alice_example_com", true],
  ["a".repeat(32), true],
  ["a".repeat(33), false],
  ["alice.b", false],
  ["Alice", false],
  ["1alice", false],
  ["", false],
])("%s: %s", (name, valid) => {
  expect(isUserName(name)).toBe(valid);
  expect(userName.safeParse(name).success).toBe(valid);
  expect(new RegExp(`^(?:${nix})$`).test(name)).toBe(valid);
});
