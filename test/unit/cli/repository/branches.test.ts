/** Which revisions may be approved or pinned: those that a branch contains. With the real git. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findRevision } from "../../../../cli/repository/branches";

const running = { signal: new AbortController().signal };
let repository: string;
const git = (...args: string[]) =>
  execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  })
    .toString()
    .trim();
const commit = (message: string) => {
  git("commit", "--quiet", "--allow-empty", "--message", message);
  return git("rev-parse", "HEAD");
};

let first: string, head: string, other: string, gone: string, pulled: string;
beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), "fleet-branches-test-"));
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", repository]);
  // As on GitHub and GitLab: a client that names a commit gets it, whether or not a branch contains it.
  git("config", "uploadpack.allowAnySHA1InWant", "true");
  git("config", "uploadpack.allowFilter", "true");
  first = commit("first");
  head = commit("head");
  git("checkout", "--quiet", "-b", "a-fix");
  other = commit("other");
  git("checkout", "--quiet", "-b", "gone");
  gone = commit("gone");
  git("checkout", "--quiet", "-b", "fork", "main");
  pulled = commit("pulled");
  git("update-ref", "refs/pull/1/head", pulled);
  git("tag", "v1", gone);
  git("checkout", "--quiet", "main");
  git("branch", "--quiet", "-D", "gone", "fork");
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

it("names a branch that contains it, the fleet's own first", async () => {
  const branchOf = async (written: string) =>
    (await findRevision({ repository, branch: "main" }, written, running)).branch;
  for (const written of [first, head, "main"]) expect(await branchOf(written)).toBe("main");
  expect(await branchOf(other)).toBe("a-fix");
  expect((await findRevision({ repository, branch: "a-fix" }, first, running)).branch).toBe("a-fix");
});

it("refuses what only a pull request, a tag or nothing leads to, although the server gives it", async () => {
  for (const revision of [gone, pulled]) {
    expect(() => git("cat-file", "-e", revision)).not.toThrow();
    await expect(findRevision({ repository }, revision, running)).rejects.toThrow(/on a branch|on no branch/);
  }
  await expect(findRevision({ repository }, "0".repeat(40), running)).rejects.toThrow(/on a branch/);
});

it("finds the revision that digits, a branch or a tag mean, where a branch contains it", async () => {
  git("tag", "release", head);
  const find = (written: string) =>
    findRevision({ repository, branch: "main" }, written, running).then(({ revision }) => revision);
  for (const written of [head, head.slice(0, 7), "main", "release"]) expect(await find(written)).toBe(head);
  expect(await find("a-fix")).toBe(other);
  await expect(find("v1")).rejects.toThrow(/^v1 is on no branch of /);
  await expect(find(pulled)).rejects.toThrow(/has no branch, tag or commit [0-9a-f]{40} on a branch/);
  await expect(find("nowhere")).rejects.toThrow(/has no branch, tag or commit nowhere on a branch/);
});

it("says why a repository cannot be read", async () => {
  await expect(findRevision({ repository: `${repository}-none` }, head, running)).rejects.toThrow(
    /the branches of .*-none cannot be read: git fetch: fatal: .*does not appear to be/,
  );
});

it("takes no name of a repository for an option", async () => {
  await expect(findRevision({ repository: "--upload-pack=touch /tmp/x" }, head, running)).rejects.toThrow(
    /cannot be read/,
  );
});
