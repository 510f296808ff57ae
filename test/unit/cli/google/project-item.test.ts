/** A change of the project's metadata whose answer is slow or lost. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FleetError } from "../../../../cli/errors";
import { connect, type Compute } from "../../../../cli/google/compute";
import { waitForOperation } from "../../../../cli/google/operation";
import { editItem, type MetadataRequests } from "../../../../cli/google/project-item";
import { controlKey } from "../../../../rules/contract";
import { noControl } from "../../../../rules/rollout/control-item";
import { runFleet } from "../run-fleet";
import { threeVms } from "../fake-fleets";
import { environmentOf, error, FakeCompute } from "./fake-compute";

let fake: FakeCompute;
let endpoint: string;
let compute: Compute;
beforeEach(async () => {
  fake = new FakeCompute();
  endpoint = await fake.start();
  compute = connect({ project: "p", endpoint, identity: { accessToken: "secret" }, attempts: 3 });
});
afterEach(async () => {
  vi.useRealTimers();
  await fake.stop();
});

const unavailable = error(503, "Backend Error", "backendError");

/** Loses the answers to the first writes. */
function loseAnswers(writes: number): void {
  let left = writes;
  fake.lost = () => (left-- > 0 ? unavailable : undefined);
}

describe("a change whose answer is lost", () => {
  it("is done, and not made twice", async () => {
    loseAnswers(1);
    await compute.editProjectItem("item", ({ item }) => `${item ?? ""}x`);
    expect(fake.metadata["item"]).toBe("x");
  });

  it("is made on top of what another wrote after it", async () => {
    loseAnswers(1);
    let writes = 0;
    fake.beforeWrite = () => {
      if (++writes === 2) fake.setMetadata("item", "theirs");
    };
    await compute.editProjectItem("item", ({ item }) => `${item ?? ""}x`);
    expect(fake.metadata["item"]).toBe("theirsx");
  });

  it("is done if the item says so after the last attempt", async () => {
    let writes = 0;
    fake.fault = (request) => (request.startsWith("POST") && ++writes > 1 ? unavailable : undefined);
    loseAnswers(1);
    await compute.editProjectItem("item", () => "x");
    expect(fake.metadata["item"]).toBe("x");
  });

  it("may have been made if nothing answers any more, and the error says so", async () => {
    fake.lost = () => unavailable;
    fake.fault = (request) =>
      fake.metadata["item"] !== undefined && request.startsWith("GET") ? unavailable : undefined;
    await expect(compute.editProjectItem("item", () => "x")).rejects.toMatchObject({
      mayBeMade: true,
      transient: true,
    });
  });

  it("was not made if Google refused it", async () => {
    for (const refusal of [error(403, "Required permission", "forbidden"), error(429, "Quota", "rateLimitExceeded")]) {
      fake.fault = (request) => (request.startsWith("POST") ? refusal : undefined);
      await expect(compute.editProjectItem("item", () => "x")).rejects.toMatchObject({ mayBeMade: false });
    }
  });
});

describe("a failed operation", () => {
  /** Operations that end with these statuses, one for each write; those after them succeed. */
  function failing(...statuses: number[]): MetadataRequests & { writes: number } {
    const requests = {
      writes: 0,
      read: () => Promise.resolve({ items: [] }),
      write: () => Promise.resolve({ status: "RUNNING" }),
      finish: () => {
        const httpErrorStatusCode = statuses[requests.writes++];
        const errors = [{ code: "INTERNAL_ERROR", message: "internal error" }];
        const failure = httpErrorStatusCode === undefined ? {} : { httpErrorStatusCode, error: { errors } };
        const read = () => Promise.resolve({ status: "DONE", ...failure });
        return waitForOperation({ status: "RUNNING" }, read, () => Promise.resolve());
      },
      pause: () => Promise.resolve(),
    };
    return requests;
  }

  it("is repeated if its reason passes", async () => {
    const requests = failing(503, 500);
    await editItem(requests, "item", () => "x");
    expect(requests.writes).toBe(3);
  });

  it("that fails each time says that it may pass, and that nothing was changed", async () => {
    const requests = failing(...Array.from({ length: 20 }, () => 503));
    await expect(editItem(requests, "item", () => "x")).rejects.toMatchObject({ transient: true, mayBeMade: false });
  });

  it("is not repeated if Google refuses it", async () => {
    const requests = failing(400);
    await expect(editItem(requests, "item", () => "x")).rejects.toMatchObject({ transient: false, mayBeMade: false });
    expect(requests.writes).toBe(1);
  });
});

describe("a slow operation", () => {
  const slow = { name: "operation-1", status: "RUNNING" };

  /** Minutes pass while the operation is not done. */
  function wait(minutes: number): Promise<void> {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const read = () => Promise.resolve({ ...slow, status: Date.now() - start < minutes * 60_000 ? "RUNNING" : "DONE" });
    const pause = () => Promise.resolve(void vi.setSystemTime(Date.now() + 30_000));
    return waitForOperation(slow, read, pause);
  }

  it("is waited for as long as Google's provider waits", async () => {
    await wait(6);
    await expect(wait(8)).rejects.toThrow("operation-1 did not end within 420 s");
  });

  it("is done if the item has the value at the end, and otherwise may be done later", async () => {
    const items: { key: string; value: string }[] = [];
    const requests = (inEffect: boolean): MetadataRequests => ({
      read: () => Promise.resolve({ items }),
      write: ({ items: sent }) => {
        if (inEffect) items.push(...((sent ?? []) as typeof items));
        return Promise.resolve(slow);
      },
      finish: () => Promise.reject(new FleetError("NF202", "did not end")),
      pause: () => Promise.resolve(),
    });
    await expect(editItem(requests(false), "item", () => "x")).rejects.toMatchObject({ mayBeMade: true });
    await editItem(requests(true), "item", () => "x");
  });
});

describe("a command whose change got no answer", () => {
  const fleet = (args: string[], signal?: AbortSignal) =>
    runFleet(args, environmentOf(endpoint), signal === undefined ? {} : { signal });
  beforeEach(() => threeVms(fake));

  it("says that a hold ended which its lost request ended, whatever another wrote meanwhile", async () => {
    await fleet(["hold", "--why", "demo"]);
    loseAnswers(1);
    expect((await fleet(["resume", "--yes"])).out.at(-1)).toBe("the fleet may move again");
    await fleet(["hold", "--why", "demo"]);
    loseAnswers(1);
    let writes = 0;
    fake.beforeWrite = () => {
      const holds = [{ scope: "wave:rest", by: "bob", why: "theirs", at: "2026-01-01T00:00:00Z" }];
      if (++writes === 2) fake.setMetadata(controlKey("devs", "dev"), JSON.stringify({ ...noControl, holds }));
    };
    const { code, out } = await fleet(["resume", "--yes"]);
    expect([code, out.at(-1)]).toEqual([0, "the fleet may move again"]);
  });

  it("does not say that nothing happened, also if it is interrupted", async () => {
    const interrupt = new AbortController();
    fake.lost = () => {
      interrupt.abort();
      fake.fault = () => unavailable;
      return undefined;
    };
    const end = await fleet(["hold", "--why", "demo"], interrupt.signal);
    expect(end.err).toEqual(["interrupted; the change may have been made: fleet status shows it"]);
    expect(end.code).toBe(130);
    expect((await fleet(["status"], AbortSignal.abort())).err).toEqual(["interrupted"]);
  });
});
