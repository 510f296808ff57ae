/** What the page's reader remembers: a lock's ages, but not for long why they could not be read. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Call } from "../../../../cli/command-line/command";
import { ParsedOptions } from "../../../../cli/command-line/command";
import { PageReader } from "../../../../cli/dashboard/reader";
import { readLockAges } from "../../../../cli/dashboard/lock-ages";
import { connect } from "../../../../cli/google/compute";
import { FakeCompute } from "../google/fake-compute";
import { environmentOf } from "../three-vms";
import { documentOf, well } from "./documents";

vi.mock("../../../../cli/dashboard/lock-ages", () => ({ readLockAges: vi.fn() }));

let fake: FakeCompute;
let endpoint: string;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
});
afterEach(async () => {
  vi.useRealTimers();
  await fake.stop();
});

it("reads a lock once, and again a minute after it could not be read", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const compute = connect({ project: "p", endpoint, identity: { accessToken: "t" } });
  const call = { options: new ParsedOptions("dashboard", {}), env: environmentOf(endpoint) } as unknown as Call;
  const signal = new AbortController().signal;
  const reader = new PageReader({ ...call, signal }, { compute, id: { fleet: "devs", stack: "dev" } });
  const { status, lock } = documentOf(well(3));
  const read = vi.mocked(readLockAges);
  const seen = async (seconds: number) => {
    vi.setSystemTime(Date.now() + seconds * 1_000);
    const { lock: found, problems } = await reader.around(status);
    return [found, problems.filter((one) => one.includes("lock")), read.mock.calls.length];
  };

  read.mockRejectedValueOnce(new Error("no answer"));
  const problem = ["the lock's age is not known: no answer"];
  expect(await seen(0)).toEqual([null, problem, 1]);
  expect(await seen(30)).toEqual([null, problem, 1]);
  read.mockResolvedValue(lock);
  expect(await seen(31)).toEqual([lock, [], 2]);
  expect(await seen(3_600)).toEqual([lock, [], 2]);
});
