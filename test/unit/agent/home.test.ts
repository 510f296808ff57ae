/** A developer's own work in the clone of her home: committed or not, it is never updated over. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Bench } from "./bash";

let bench: Bench;
let clone: string;

const git = (...args: string[]) =>
  execFileSync("git", ["-C", clone, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args]);

beforeEach(() => {
  bench = new Bench();
  const origin = bench.path("origin");
  clone = bench.path("clone");
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
  execFileSync("git", ["clone", "--quiet", origin, clone], { stdio: "ignore" });
  git("commit", "--quiet", "--allow-empty", "--message", "first");
  git("push", "--quiet", "origin", "HEAD:main");
});
afterEach(() => bench.remove());

/** Whether an update may go on; else why not. */
const mayUpdate = (force = false) =>
  bench.run(
    ["log", "git", "home"],
    `force=${String(force)}; setting() { [[ $1 != directory ]] || echo ${clone}; }
    driver_may_update || { echo "$obstacle"; exit 1; }`,
  );

it("lets a clean clone's home be updated", () => {
  expect(mayUpdate()).toMatchObject({ status: 0, stdout: "" });
});

it("puts an update off for edits that are not committed, and says what to do", () => {
  writeFileSync(`${clone}/home.nix`, "{ }");
  const { status, stdout } = mayUpdate();
  expect(status).toBe(1);
  expect(stdout).toContain("has edits that are not committed: commit and push them");
  expect(mayUpdate(true)).toMatchObject({ status: 0 });
});

it("puts an update off for commits that are not pushed", () => {
  git("commit", "--quiet", "--allow-empty", "--message", "mine");
  const { status, stdout } = mayUpdate();
  expect(status).toBe(1);
  expect(stdout).toContain("has commits that are not pushed");
});
