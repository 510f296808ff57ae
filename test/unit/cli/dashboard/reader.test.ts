/** What the page's reader remembers: a lock's ages, but not for long why they could not be read. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ParsedOptions, type Call } from "../../../../cli/command-line/command";
import { PageReader } from "../../../../cli/dashboard/reader";
import { connect } from "../../../../cli/google/compute";
import { environmentOf, FakeCompute } from "../google/fake-compute";
import { documentOf, well } from "./documents";

let fake: FakeCompute;
let endpoint: string;
let scratch: string;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  scratch = mkdtempSync(join(tmpdir(), "nixos-fleet-reader-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await fake.stop();
  rmSync(scratch, { recursive: true });
});

it("reads a lock once, and again a minute after it could not be read", async () => {
  const [repository, away] = [join(scratch, "config"), join(scratch, "away")];
  const git = (...args: string[]) => execFileSync("git", args, { cwd: scratch, encoding: "utf8" }).trim();
  git("init", "--quiet", "--initial-branch=main", repository);
  writeFileSync(join(repository, "flake.lock"), '{"version":7,"root":"root","nodes":{"root":{}}}');
  git("-C", repository, "add", ".");
  git("-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=x");
  const revision = git("-C", repository, "rev-parse", "HEAD");

  vi.useFakeTimers({ toFake: ["Date"] });
  fake.instances = [
    {
      name: "dev-alice",
      labels: { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" },
      metadata: { "nixos-fleet": JSON.stringify({ wave: "rest", repository, branch: "main" }) },
    },
  ];
  const call: Pick<Call, "options" | "env" | "signal"> = {
    options: new ParsedOptions("dashboard", {}),
    env: { ...environmentOf(endpoint), PATH: process.env["PATH"] },
    signal: new AbortController().signal,
  };
  const compute = connect({ project: "p", endpoint, identity: { accessToken: "t" } });
  const reader = new PageReader(call as Call, { compute, id: { fleet: "devs", stack: "dev" } });
  const { status } = documentOf({ ...well(3), approvals: { rest: revision } });
  const seen = async (seconds: number) => {
    vi.setSystemTime(Date.now() + seconds * 1_000);
    const { lock, problems } = await reader.around(status);
    return [lock, problems.filter((one) => one.startsWith("the lock's age is not known")).length];
  };

  renameSync(repository, away);
  expect(await seen(0)).toEqual([null, 1]);
  renameSync(away, repository);
  expect(await seen(30)).toEqual([null, 1]);
  const read = [{ revision, inputs: [] }, 0];
  expect(await seen(31)).toEqual(read);
  renameSync(repository, away);
  expect(await seen(3_600)).toEqual(read);
});
