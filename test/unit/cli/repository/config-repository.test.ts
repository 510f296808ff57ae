/** The head of the config repository's branch, with the real git. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { headOf } from "../../../../cli/repository/config-repository";

const running = { signal: new AbortController().signal };
let repository: string;
const git = (...args: string[]) =>
  execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args])
    .toString()
    .trim();
const commit = () => {
  git("commit", "--quiet", "--allow-empty", "--message", "a commit");
  return git("rev-parse", "HEAD");
};

beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), "fleet-head-test-"));
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", repository]);
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

it("is that of the branch itself, not of one whose name ends in the same words", async () => {
  const head = commit();
  git("checkout", "--quiet", "-b", "a/refs/heads/main");
  commit();
  git("branch", "a/refs/heads/gone");
  expect(await headOf({ repository, branch: "main" }, running)).toBe(head);
  await expect(headOf({ repository, branch: "gone" }, running)).rejects.toThrow(/has no branch gone/);
});
