/** A developer's own work in the clone of her home: committed or not, it is never updated over. */
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { unpushedWork } from "../../../agent/unpushed-work";
import { Repository, Scratch } from "./scratch";

let scratch: Scratch;
let clone: Repository;

beforeEach(() => {
  scratch = new Scratch();
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", scratch.in("origin")]);
  clone = new Repository(scratch.in("clone"));
  clone.git("remote", "add", "origin", scratch.in("origin"));
  clone.commit("first");
  clone.git("push", "--quiet", "origin", "HEAD:main");
  clone.git("fetch", "--quiet", "origin");
});
afterEach(() => scratch.remove());

const work = () => unpushedWork(clone.folder);

it("is none in a clean clone, where there is no clone, and in what is no clone", async () => {
  expect(await work()).toBeUndefined();
  expect(await unpushedWork(scratch.in("nowhere"))).toBeUndefined();
  mkdirSync(scratch.in("plain"));
  expect(await unpushedWork(scratch.in("plain"))).toBeUndefined();
});

it.each([
  ["an edit", () => writeFileSync(`${clone.folder}/flake.lock`, "mine")],
  ["a new file", () => writeFileSync(`${clone.folder}/home.nix`, "{ }")],
])("is %s that is not committed, and she is told what to do", async (_, edit) => {
  edit();
  expect(await work()).toMatch(
    /clone has edits that are not committed: commit and push them, or stash them, and this home/,
  );
});

it("is a commit that is not pushed, also on another branch", async () => {
  clone.git("checkout", "--quiet", "-b", "mine");
  clone.commit("second");
  expect(await work()).toContain("clone has commits that are not pushed: push them");
  clone.git("push", "--quiet", "origin", "mine");
  clone.git("fetch", "--quiet", "origin");
  expect(await work()).toBeUndefined();
});

it("is not looked for in another user's clone", async () => {
  writeFileSync(`${clone.folder}/flake.lock`, "mine");
  chownSync(clone.folder, 12345, 12345);
  expect(await work()).toBeUndefined();
});
