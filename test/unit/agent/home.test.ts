/** The home's driver: what defers an update, and what it switches to. How a clone is looked at: unpushed-work.test.ts. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { dryRequest } from "../../../agent/driver";
import { HomeDriver } from "../../../agent/home/home";
import { homePlace } from "../../../agent/home/home-place";
import { stay } from "../../../rules/decision/decision";
import { Scratch } from "./scratch";

let scratch: Scratch;
let clone: string;

const git = (...args: string[]) =>
  execFileSync("git", ["-C", clone, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args]);

beforeEach(() => {
  scratch = new Scratch();
  const origin = scratch.in("origin");
  clone = scratch.in("clone");
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
  execFileSync("git", ["clone", "--quiet", origin, clone], { stdio: "ignore" });
  git("commit", "--quiet", "--allow-empty", "--message", "first");
  git("push", "--quiet", "origin", "HEAD:main");
});
afterEach(() => scratch.remove());

const driver = () => new HomeDriver({ ...homePlace(), stateFolder: scratch.in("state"), runFolder: scratch.in("run") });

/** Why an update may not go on. */
function obstacle(force = false): Promise<string | undefined> {
  const settings = { attribute: "dev", branch: "main", directory: clone };
  return driver().obstacle({ ...stay("unchanged", ""), settings, retry: [] }, { ...dryRequest, force });
}

it("lets a clean clone's home be updated", async () => {
  expect(await obstacle()).toBeUndefined();
});

it("defers an update for edits that are not committed, and says what to do", async () => {
  writeFileSync(`${clone}/home.nix`, "{ }");
  expect(await obstacle()).toContain("has edits that are not committed: commit and push them");
  expect(await obstacle(true)).toBeUndefined();
});

it("defers an update for commits that are not pushed", async () => {
  git("commit", "--quiet", "--allow-empty", "--message", "mine");
  expect(await obstacle()).toContain("has commits that are not pushed");
});

it("refuses a home without an agent, and a path that is not a Home Manager generation", async () => {
  const generation = scratch.in("generation");
  mkdirSync(generation);
  expect(await driver().refusal(generation)).toContain("not a Home Manager generation");
  writeFileSync(`${generation}/activate`, "");
  expect(await driver().refusal(generation)).toContain("services.nixos-hm-auto-update is not enabled in it");
  const units = `${generation}/home-files/.config/systemd/user`;
  mkdirSync(units, { recursive: true });
  symlinkSync("/nix/store/not-here", `${units}/nixos-hm-auto-update.service`);
  expect(await driver().refusal(generation)).toBeUndefined();
});
