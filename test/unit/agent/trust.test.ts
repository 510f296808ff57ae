/** What must be true of a commit before anything in it is evaluated, on real repositories and real signatures. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./bash";

let bench: Bench;
let origin: string;
beforeEach(() => {
  bench = new Bench();
  origin = bench.path("origin");
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", origin]);
  for (const name of ["infra", "stranger"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", bench.path(name)]);
});
afterEach(() => bench.remove());

const git = (...args: string[]) =>
  execFileSync("git", ["-C", origin, "-c", "user.name=a", "-c", "user.email=infra@example.com", ...args], {
    encoding: "utf8",
  }).trim();

/** Commits a flake.lock, signed by somebody or nobody, and answers the commit. */
function commit(text: string, signer?: "infra" | "stranger"): string {
  writeFileSync(`${origin}/flake.lock`, text);
  git("add", "flake.lock");
  const signing =
    signer === undefined ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingKey=${bench.path(signer)}.pub`];
  git(...signing, "commit", "--quiet", ...(signer === undefined ? [] : ["-S"]), "--message", text);
  return git("rev-parse", "HEAD");
}

interface Target {
  revision: string;
  deployed?: string;
  explicit?: boolean;
  lock?: string;
  signers?: string;
}

/** Verifies a target; where it is refused, why. */
function verify({ revision, deployed = "", explicit = false, lock = "", signers = "" }: Target) {
  writeFileSync(bench.path("signers"), signers);
  return bench.run(
    ["log", "files", "git", "trust"],
    `declare -A result decision=([deployed]="${deployed}" [explicit]="${explicit}" [lock]="${lock}")
    failed() { printf '%s: %s\n' "$1" "$2"; return 1; }
    setting() { [[ $1 != signers ]] || cat ${bench.path("signers")}; }
    mirror_fetch "$mirror" file://${origin} main ${revision}
    verify ${revision}`,
  );
}

const allowed = () => `infra@example.com ${readFileSync(bench.path("infra.pub"), "utf8").trim()}`;

describe("the lock's digest", () => {
  it("is the approved one, or the commit is refused", () => {
    const revision = commit("one\n");
    const lock = createHash("sha256").update("one\n").digest("hex");
    expect(verify({ revision, lock })).toMatchObject({ status: 0, stdout: "" });
    expect(verify({ revision, lock: "0".repeat(64) })).toMatchObject({
      status: 1,
      stdout: `verify: flake.lock at ${revision.slice(0, 7)} has digest ${lock}, approved is ${"0".repeat(64)}\n`,
    });
  });
});

describe("a branch that was rewritten", () => {
  it("is refused, unless that very revision is approved", () => {
    commit("base");
    const deployed = commit("deployed");
    expect(verify({ revision: deployed })).toMatchObject({ status: 0 });
    git("reset", "--quiet", "--hard", "HEAD~1");
    const revision = commit("rewritten");
    expect(verify({ revision, deployed })).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("does not descend from") as unknown,
    });
    expect(verify({ revision, deployed, explicit: true })).toMatchObject({ status: 0 });
  });
});

describe("signers", () => {
  it("have signed what is deployed", () => {
    const revision = commit("one", "infra");
    expect(verify({ revision, signers: allowed() })).toMatchObject({ status: 0 });
  });

  it.each([
    ["nobody signed", undefined],
    ["a stranger signed", "stranger"],
  ] as const)("refuse what %s", (_, signer) => {
    const revision = commit("one", signer);
    expect(verify({ revision, signers: allowed() })).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`verify: ${revision.slice(0, 7)} carries no good signature`) as unknown,
    });
  });

  it("have signed every commit since the deployed one, not the last alone", () => {
    const deployed = commit("one", "infra");
    expect(verify({ revision: deployed, signers: allowed() })).toMatchObject({ status: 0 });
    const between = commit("two");
    const revision = commit("three", "infra");
    expect(verify({ revision, deployed, signers: allowed() })).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`verify: ${between.slice(0, 7)} carries no good signature`) as unknown,
    });
  });
});

describe("an update that would orphan its machine", () => {
  it.each([
    ["has no agent's timer", "", 1],
    ["has an agent", "mkdir -p $built/etc/systemd/system; touch $built/etc/systemd/system/nixos-auto-update.timer", 0],
  ])("one that %s", (_, make, status) => {
    const { stdout, ...ran } = bench.run(
      ["system"],
      `built=${bench.path("built")}; mkdir -p "$built"; ${make}
      driver_accepts "$built" || { echo "$refusal"; exit 1; }`,
    );
    expect(ran.status, ran.stderr).toBe(status);
    expect(stdout.includes("services.nixos-auto-update is not enabled")).toBe(status === 1);
  });
});
