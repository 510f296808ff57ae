/** A developer's own work in the clone of her home: committed or not, it is never updated over. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { unpushedWork } from "../../../../agent/git/unpushed-work";
import { Repository, Scratch } from "../scratch";

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
afterEach(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

const work = () => unpushedWork(clone.folder);

it("is none in a clean clone, where there is no clone, and in what is no clone", async () => {
  expect(await work()).toBeUndefined();
  expect(await unpushedWork(scratch.in("nowhere"))).toBeUndefined();
  mkdirSync(scratch.in("plain"));
  expect(await unpushedWork(scratch.in("plain"))).toBeUndefined();
});

it.each([
  ["an edit", "flake.lock", () => writeFileSync(`${clone.folder}/flake.lock`, "mine")],
  ["a new file", "my home.nix", () => writeFileSync(`${clone.folder}/my home.nix`, "{ }")],
  ["another name", "b.nix", () => clone.git("mv", "flake.lock", "b.nix")],
])("is %s that is not committed, and the message says what to do", async (_, path, edit) => {
  edit();
  expect(await work()).toContain(
    `clone has edits that are not committed, such as ${path}: commit and push them, or run git stash -u there, and this home`,
  );
  clone.git("stash", "-u");
  expect(await work()).toBeUndefined();
});

it("is a commit that is not pushed, also on another branch", async () => {
  clone.git("checkout", "--quiet", "-b", "mine");
  clone.commit("second");
  expect(await work()).toContain("clone has commits that are not pushed: push them");
  clone.git("push", "--quiet", "origin", "mine");
  clone.git("fetch", "--quiet", "origin");
  expect(await work()).toBeUndefined();
});

// Only root can give a folder away.
it.skipIf(process.getuid?.() !== 0)("is not looked for in another user's clone", async () => {
  writeFileSync(`${clone.folder}/flake.lock`, "mine");
  symlinkSync(clone.folder, scratch.in("link"));
  expect(await unpushedWork(scratch.in("link"))).toContain("has edits that are not committed");
  chownSync(clone.folder, 12345, 12345);
  expect(await work()).toBeUndefined();
  expect(await unpushedWork(scratch.in("link"))).toBeUndefined();
});

it("is none where the clone cannot be looked at", async () => {
  symlinkSync("loop", scratch.in("loop"));
  expect(await unpushedWork(scratch.in("loop"))).toBeUndefined();
});

it("is none where nothing was committed yet", async () => {
  const empty = new Repository(scratch.in("empty"));
  expect(await unpushedWork(empty.folder)).toBeUndefined();
});

describe("where git does not say", () => {
  /** A git in front of the real one that does something else for one of its commands. */
  const replaceGit = (command: string, instead: string) => {
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    mkdirSync(scratch.in("front"));
    const script = `#!/bin/sh\nfor arg; do [ "$arg" = ${command} ] && { ${instead}; }; done\nexec ${real} "$@"\n`;
    writeFileSync(scratch.in("front/git"), script);
    chmodSync(scratch.in("front/git"), 0o755);
    vi.stubEnv("PATH", `${scratch.in("front")}:${process.env["PATH"]}`);
  };

  it.each(["status", "log"])("there may be work: git %s fails", async (command) => {
    replaceGit(command, "echo 'fatal: unable to read tree' >&2; exit 128");
    expect(await work()).toMatch(
      /^cannot tell whether \S+\/clone has work that is not pushed \(fatal: unable to read tree\): .*run --force/,
    );
  });

  it.each(["status", "log"])("there may be work: git %s hangs", async (command) => {
    replaceGit(command, "sleep 60");
    vi.stubEnv("NIXOS_AUTO_UPDATE_FETCH_TIMEOUT", "1");
    expect(await work()).toMatch(/^cannot tell whether .* \(no answer within 1 s\)/);
  });

  it("there may be work: a clone whose objects are damaged", async () => {
    for (const folder of readdirSync(`${clone.folder}/.git/objects`))
      rmSync(`${clone.folder}/.git/objects/${folder}`, { recursive: true });
    expect(await work()).toMatch(/^cannot tell whether /);
  });

  it("edits that it has named count", async () => {
    writeFileSync(`${clone.folder}/flake.lock`, "mine");
    replaceGit("status", "echo '? flake.lock'; exit 1");
    expect(await work()).toContain("has edits that are not committed");
  });
});
