/** The agents' mirror and the clone for people, on real repositories. */
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";

let bench: Bench;
let origin: string;

const git = (...args: string[]) =>
  execFileSync("git", ["-C", origin, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args], {
    encoding: "utf8",
  }).trim();

/** Commits a flake.lock and answers the commit. */
function commit(text: string): string {
  writeFileSync(`${origin}/flake.lock`, text);
  git("add", "flake.lock");
  git("commit", "--quiet", "--message", text);
  return git("rev-parse", "HEAD");
}

const sh = (script: string) => bench.run(["log", "git", "checkout"], `git_attempts=1\nurl=file://${origin}\n${script}`);

beforeEach(() => {
  bench = new Bench();
  origin = bench.path("origin");
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", origin]);
});
afterEach(() => {
  bench.remove();
});

describe("the mirror", () => {
  it("knows the branch's head without fetching", () => {
    const head = commit("1");
    expect(sh("mirror_head $url main")).toMatchObject({ status: 0, stdout: `${head}\n` });
    expect(existsSync(bench.path("state/mirror.git"))).toBe(false);
  });

  it("tells a branch that is not there (2) from a repository that does not answer", () => {
    commit("1");
    expect(sh("mirror_head $url gone").status).toBe(2);
    expect(sh("mirror_head file:///nowhere main").status).toBe(128);
  });

  it("fetches a revision and the digest of its lock", () => {
    const first = commit("one\n");
    commit("two\n");
    const digest = createHash("sha256").update("one\n").digest("hex");
    expect(sh(`mirror_fetch $mirror $url main ${first} && mirror_lock $mirror ${first}`)).toMatchObject({
      status: 0,
      stdout: `${digest}\n`,
    });
  });

  it("fetches a revision that is on no branch", () => {
    commit("1");
    git("checkout", "--quiet", "--detach");
    const aside = commit("aside");
    git("checkout", "--quiet", "main");
    git("tag", "aside", aside);
    git("config", "uploadpack.allowAnySHA1InWant", "true");
    expect(sh(`mirror_fetch $mirror $url main ${aside} && mirror_has $mirror ${aside}`).status).toBe(0);
  });

  it("keeps what a forced push took off its branch", () => {
    commit("1");
    const lost = commit("2");
    sh(`mirror_fetch $mirror $url main ${lost}`);
    git("reset", "--quiet", "--hard", "HEAD~1");
    const head = commit("3");
    const script = `mirror_fetch $mirror $url main ${head}; git --git-dir=$mirror gc --quiet --prune=now; mirror_has $mirror ${lost}`;
    expect(sh(script).status).toBe(0);
  });

  it("knows descendants", () => {
    const [a, b] = [commit("1"), commit("2")];
    git("checkout", "--quiet", "-b", "side", a);
    const c = commit("3");
    git("checkout", "--quiet", "main");
    const fetch = `mirror_fetch $mirror $url main ${b}; mirror_fetch $mirror $url side ${c}; `;
    expect(sh(`${fetch} mirror_descends $mirror ${a} ${b}`).status).toBe(0);
    expect(sh(`${fetch} mirror_descends $mirror ${b} ${c}`).status).not.toBe(0);
  });

  it("is made anew when it is broken", () => {
    const head = commit("1");
    sh(`mirror_fetch $mirror $url main ${head}`);
    rmSync(bench.path("state/mirror.git/objects"), { recursive: true });
    expect(sh(`mirror_fetch $mirror $url main ${head} && mirror_has $mirror ${head}`).status).toBe(0);
  });

  it("fetches only by the protocols that are allowed", () => {
    const head = commit("1");
    expect(sh(`git_protocols=https:ssh:git; mirror_fetch $mirror $url main ${head}`).status).not.toBe(0);
  });

  it("tries again after a failure that may pass, and gives up", () => {
    bench.fake("git", `echo x >>${bench.path("tries")}; echo 'fatal: unable to connect' >&2; exit 128`);
    const { status, stdout } = sh(
      'git_attempts=3; sleep() { :; }; patient_git ls-remote x || { code=$?; echo "$git_error"; exit $code; }',
    );
    expect({ status, stdout }).toEqual({ status: 128, stdout: "fatal: unable to connect\n" });
    expect(readFileSync(bench.path("tries"), "utf8")).toBe("x\nx\nx\n");
  });

  it("takes a revision that is not there for an answer", () => {
    bench.fake(
      "git",
      `echo x >>${bench.path("tries")}; echo 'fatal: remote error: upload-pack: not our ref 1234' >&2; exit 128`,
    );
    expect(sh("git_attempts=3; sleep() { :; }; patient_git fetch x").status).toBe(128);
    expect(readFileSync(bench.path("tries"), "utf8")).toBe("x\n");
  });

  it("ends a git that hangs", () => {
    bench.fake("git", "exec sleep 60");
    const { status, stdout } = sh(
      'git_timeout=0.2; patient_git fetch x || { code=$?; echo "$git_error"; exit $code; }',
    );
    expect({ status, stdout }).toEqual({ status: 124, stdout: "no answer within 0.2 s\n" });
  });
});

describe("the clone for people", () => {
  const clone = () => bench.path("clone");
  const sync = (head: string) => sh(`mirror_fetch $mirror $url main ${head}; sync_checkout ${clone()} $url main`);
  const lockOf = () => readFileSync(`${clone()}/flake.lock`, "utf8");

  it("is made, with the repository as its origin", () => {
    sync(commit("1"));
    expect(lockOf()).toBe("1");
    expect(execFileSync("git", ["-C", clone(), "remote", "get-url", "origin"], { encoding: "utf8" })).toBe(
      `file://${origin}\n`,
    );
  });

  it("is fast-forwarded while it is clean", () => {
    sync(commit("1"));
    sync(commit("2"));
    expect(lockOf()).toBe("2");
  });

  it.each([
    ["an edit", (path: string) => writeFileSync(`${path}/flake.lock`, "mine")],
    ["a new file", (path: string) => writeFileSync(`${path}/new`, "mine")],
  ])("is left alone with %s in it", (_, change) => {
    sync(commit("1"));
    change(clone());
    const before = lockOf();
    expect(sync(commit("2"))).toMatchObject({ status: 0, stderr: expect.stringContaining("left alone") as string });
    expect(lockOf()).toBe(before);
  });

  it("is left alone on a branch or a commit of its own", () => {
    sync(commit("1"));
    execFileSync("git", ["-C", clone(), "checkout", "--quiet", "-b", "mine"]);
    sync(commit("2"));
    expect(lockOf()).toBe("1");
  });

  it("takes the place of what an image of nixpkgs' put there, and keeps that beside it", () => {
    const module = "<nixpkgs/nixos/modules/virtualisation/google-compute-image.nix>";
    const text = `{ ... }:\n{\n  imports = [\n    ${module}\n  ];\n}\n`;
    execFileSync("mkdir", [clone()]);
    writeFileSync(`${clone()}/configuration.nix`, text);
    sync(commit("1"));
    expect(lockOf()).toBe("1");
    expect(readFileSync(`${clone()}.image/configuration.nix`, "utf8")).toBe(text);
  });

  it("never takes the place of other files", () => {
    execFileSync("mkdir", [clone()]);
    writeFileSync(`${clone()}/configuration.nix`, "{}");
    expect(sync(commit("1"))).toMatchObject({ status: 0, stderr: expect.stringContaining("left alone") as string });
    expect(existsSync(`${clone()}/flake.lock`)).toBe(false);
  });
});
