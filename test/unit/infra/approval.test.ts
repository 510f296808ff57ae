import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  approvalOf,
  homeSources,
  inputsOf,
  lockHolds,
  lockText,
  resolveHomes,
} from "../../../infra/preflight/approval";
import { movesOf, urgentText } from "../../../infra/preflight/change-summary";
import { planWaves, readCurrentApprovals } from "../../../rules/rollout/wave-plan";
import { localLockDiffers, lockTextAt, lockTextsAt, resolveRevision } from "../../../infra/preflight/revision";
import { approvalKey } from "../../../rules/contract";
import { good, old, other } from "../cli/fleet-samples";

const lock = (rev: string, day: number) =>
  JSON.stringify({
    nodes: {
      nixpkgs: {
        locked: { type: "github", owner: "NixOS", repo: "nixpkgs", rev, narHash: rev, lastModified: day * 86_400 },
        original: { type: "github", owner: "NixOS", repo: "nixpkgs" },
      },
      root: { inputs: { nixpkgs: "nixpkgs" } },
    },
    root: "root",
    version: 7,
  });

let repository: string;
const git = (...args: string[]) =>
  execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args])
    .toString()
    .trim();
const commit = (text: string) => {
  writeFileSync(join(repository, "flake.lock"), text);
  git("add", ".");
  git("commit", "--quiet", "--message", "x");
  return git("rev-parse", "HEAD");
};

beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), "fleet-approval-"));
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", repository]);
});
afterAll(() => rmSync(repository, { recursive: true }));

describe("what a wave is approved for", () => {
  const own = { user: "eve", attribute: "eve", repository: "https://x/home.git" };
  const vm = (...homes: Parameters<typeof homeSources>[0][number]["homes"]) => ({ homes });
  const revision = (one: string) => ({ revision: one, lock: one.slice(0, 1).repeat(64), lockText: "{}" });

  it("is the system's revision and source, and the own repositories of its VMs' homes", () => {
    const source = { repository: "https://x/config.git", branch: "main" };
    const homes = { "https://x/home.git#main": revision(other), "https://x/home.git#dev": revision(old) };
    const approve = (...vms: Parameters<typeof homeSources>[0][number][]) =>
      approvalOf(vms, { system: revision(good), homes }, source);
    expect(approve(vm())).toEqual({ revision: good, lock: "b".repeat(64), ...source });
    expect(approve(vm({ user: "bob", attribute: "bob" }))).not.toHaveProperty("homes");
    expect(approve(vm(own), vm(own)).homes).toEqual({
      "https://x/home.git#main": { revision: other, lock: "c".repeat(64) },
    });
    expect(Object.keys(approve(vm(own, { ...own, branch: "dev" })).homes ?? {})).toHaveLength(2);
  });

  it("names the flake's folder where that is not the repository's top", () => {
    const source = { repository: "https://x/config.git", branch: "main", subdirectory: "nixos" };
    expect(approvalOf([], { system: revision(good), homes: {} }, source)).toMatchObject(source);
  });

  it("has the lock of the flake's folder", async () => {
    const text = lock("8".repeat(40), 20_000);
    commit("no lock");
    mkdirSync(join(repository, "infra/nixos"), { recursive: true });
    writeFileSync(join(repository, "infra/nixos/flake.lock"), text);
    git("add", ".");
    git("commit", "--quiet", "--message", "x");
    const source = { repository, subdirectory: "infra/nixos" };
    const found = await resolveRevision(repository, "main", "infra/nixos");
    expect(found).toMatchObject({ lockText: text, lock: createHash("sha256").update(text).digest("hex") });
    expect(await lockTextAt(source, found.revision)).toBe(text);
    expect(localLockDiffers(source, found)).toBe(false);
    writeFileSync(join(repository, "infra/nixos/flake.lock"), "{}");
    expect(localLockDiffers(source, found)).toBe(true);
    await expect(resolveRevision(repository, "main", "elsewhere")).rejects.toThrow("elsewhere/flake.lock");
    git("checkout", "--quiet", ".");
  });

  it("is urgent for the one revision that is named so, and for nothing later", () => {
    const source = { repository: "https://x/config.git", branch: "main", urgent: good };
    expect(approvalOf([], { system: revision(good), homes: {} }, source)).toMatchObject({ urgent: true });
    expect(approvalOf([], { system: revision(other), homes: {} }, source)).not.toHaveProperty("urgent");
    const why = { ...source, urgentWhy: "CVE-2026-1" };
    expect(approvalOf([], { system: revision(good), homes: {} }, why)).toMatchObject({
      urgent: true,
      why: "CVE-2026-1",
    });
    expect(approvalOf([], { system: revision(other), homes: {} }, why)).not.toHaveProperty("why");
  });

  it.each([
    [
      good,
      [
        "urgent: bbbbbbb (CVE-2026-1) ignores the windows of canary (1 VM), rest (2 VMs) and the pause after canary (2 h); " +
          "canaries and health checks still apply",
      ],
    ],
    [other, ["urgent: bbbbbbb is not what is approved now (ccccccc), so nothing is urgent"]],
  ])("says in the preview what is urgent, where %s is approved", (approved, lines) => {
    const waves = [
      { name: "canary", vms: ["a"], pause: 7200 },
      { name: "rest", vms: ["b", "c"], pause: 0 },
    ];
    const approval = {
      revision: approved,
      lock: "b".repeat(64),
      ...(approved === good ? { urgent: true as const } : {}),
    };
    const plan = waves.map((wave) => ({ wave, approval, value: "", kept: false }));
    expect(urgentText({ urgent: good, urgentWhy: "CVE-2026-1" }, plan)).toEqual(lines);
    expect(urgentText({ urgent: undefined, urgentWhy: undefined }, plan)).toEqual([]);
  });

  it("is resolved like the system's, with a line for each repository that cannot be read", async () => {
    const head = commit("{}");
    const mine = { ...own, repository };
    expect((await resolveHomes([vm(mine)])).homes[`${repository}#main`]?.revision).toBe(head);
    const found = await resolveHomes([vm(mine, { ...mine, branch: "gone" })]);
    expect(found.homes[`${repository}#main`]?.revision).toBe(head);
    expect(found.warnings).toHaveLength(1);
    expect(found.warnings[0]).toMatch(
      /^vms: a home's repository: cannot read branch "gone" of .*: fatal: .*; a new revision is approved without the homes from it$/,
    );
  });

  it("that cannot be read keeps its approval for the same system, and is left out for another one", () => {
    const source = { repository: "https://x/config.git", branch: "main" };
    const system = revision(good);
    const key = `${own.repository}#main`;
    const former = approvalOf([vm(own)], { system, homes: { [key]: revision(old) } }, source);
    expect(former.homes?.[key]?.revision).toBe(old);
    const same = { system, homes: {} };
    expect(approvalOf([vm(own)], same, source, [former])).toEqual(former);
    // It may run something newer than that by now.
    expect(approvalOf([vm(own)], { system: revision(other), homes: {} }, source, [former])).not.toHaveProperty("homes");
    // In a rollout that halted, an earlier wave's approval of the system says what later waves' homes get.
    const earlier = {
      ...approvalOf([vm(own)], { system: revision(other), homes: {} }, source),
      homes: former.homes ?? {},
    };
    const next = { system: revision(other), homes: {} };
    expect(approvalOf([vm(own)], next, source, [former, earlier]).homes).toEqual(former.homes);
    // A home that left the wave is not kept.
    expect(approvalOf([vm()], same, source, [former])).not.toHaveProperty("homes");
  });
});

describe("a branch whose head no VM could build is not approved", () => {
  it("where flake.lock is not JSON", async () => {
    const head = commit('{\n<<<<<<< HEAD\n  "nodes": {}\n=======\n  "nodes": {}\n>>>>>>> b\n}\n');
    await expect(resolveRevision(repository, "main")).rejects.toThrow(
      `${head.slice(0, 7)}, the head of branch "main" of ${repository}, cannot be approved: flake.lock is not JSON (conflict markers at line 2)`,
    );
  });

  it("where flake.lock is a symbolic link", async () => {
    rmSync(join(repository, "flake.lock"));
    symlinkSync("other.lock", join(repository, "flake.lock"));
    git("add", ".");
    git("commit", "--quiet", "--message", "x");
    await expect(resolveRevision(repository, "main")).rejects.toThrow(
      /cannot be approved: flake\.lock is a symbolic link; commit the file itself$/,
    );
    rmSync(join(repository, "flake.lock"));
  });
});

describe("what a preview says", () => {
  it("is what the lock holds, the same at every run", () => {
    expect(lockText(lock("8".repeat(40), 20_000))).toBe("nixpkgs 8888888 of 2024-10-04");
    expect(lockHolds(lock("8".repeat(40), 20_000))).toEqual({ nixpkgs: "8888888 of 2024-10-04" });
    for (const none of ["{}", "no json"]) expect([lockText(none), lockHolds(none)]).toEqual([undefined, {}]);
  });

  it("is the inputs of all waves' locks, with the waves named where these differ", () => {
    const [one, two] = [lock("8".repeat(40), 20_000), lock("9".repeat(40), 20_036)];
    const inputs = (...revisions: string[]) =>
      inputsOf(Object.fromEntries(revisions.map((revision, index) => [`wave-${index + 1}`, { revision }])), {
        one,
        two,
        none: "{}",
      });
    expect(inputs("one", "one")).toEqual({ nixpkgs: "8888888 of 2024-10-04" });
    expect(inputs("two", "one", "one")).toEqual({
      nixpkgs: "9999999 of 2024-11-09 in wave-1; 8888888 of 2024-10-04 in wave-2, wave-3",
    });
    expect(inputs("two", "gone", "none")).toEqual({
      nixpkgs: "9999999 of 2024-11-09 in wave-1; unknown in wave-2; none in wave-3",
    });
    expect([inputs(), inputs("none"), inputs("gone")]).toEqual([{}, {}, {}]);
  });

  it("is what moves, by how many days, of the waves that are behind", async () => {
    const before = commit(lock("8".repeat(40), 20_000));
    commit(lock("9".repeat(40), 20_036));
    const to = await resolveRevision(repository, "main");
    const value = (revision: string) => JSON.stringify({ revision, lock: "0".repeat(64) });
    const names = ["canary", "middle", "rest", "new"];
    const currentRevision = (revisions: string[]) =>
      readCurrentApprovals(
        Object.fromEntries(revisions.map((one, index) => [approvalKey("f", "s", names[index] ?? ""), value(one)])),
        "f",
        "s",
      );
    const lines = async (revisions: string[]) => {
      const now = currentRevision(revisions);
      const plan = planWaves(
        names.map((name) => ({ name })),
        () => ({ revision: to.revision, lock: to.lock }),
        now,
      );
      return movesOf(plan, now, await lockTextsAt({ repository }, revisions, to), to);
    };
    const short = (revision: string) => revision.slice(0, 7);
    expect(await lines([to.revision, before, before])).toEqual([
      `middle, rest: ${short(before)} => ${short(to.revision)}; nixpkgs 8888888 → 9999999, 36 days later`,
    ]);
    expect(await lines([to.revision, to.revision, to.revision])).toEqual([]);
    expect(await lines([old])).toEqual([
      `canary: aaaaaaa => ${short(to.revision)}; the flake.lock of aaaaaaa cannot be read`,
    ]);
  });
});
