/** How many requests are under way at once, and how long a used up quota is waited for. */
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { approvalKey } from "../../../../rules/contract";
import { ApiError } from "../../../../cli/google/api-error";
import { connect } from "../../../../cli/google/compute";
import { withRetry } from "../../../../cli/google/retry";
import { StatusReader } from "../../../../cli/status/reader";
import { mostAtOnce, Throttle } from "../../../../cli/google/throttle";
import { error, FakeCompute } from "./fake-compute";
import { approval, good, report } from "../fleet-samples";

const refusal = new ApiError("slow down", 429, "rateLimitExceeded", true);

/** A server that bears so many requests at once and refuses the others; it counts those under way. */
class Server {
  running = 0;
  peak = 0;
  constructor(private readonly bears: number) {}

  readonly request = async (): Promise<void> => {
    this.running += 1;
    this.peak = Math.max(this.peak, this.running);
    const refused = this.running > this.bears;
    await new Promise((later) => setImmediate(later));
    this.running -= 1;
    if (refused) throw refusal;
  };
}

async function insist(throttle: Throttle, server: Server): Promise<void> {
  for (;;) {
    const well = await throttle.run(server.request).then(
      () => true,
      () => false,
    );
    if (well) return;
  }
}

describe("the throttle", () => {
  it("widens while all is answered, up to its limit", async () => {
    const [throttle, server] = [new Throttle(), new Server(Infinity)];
    await Promise.all(Array.from({ length: 16 }, () => throttle.run(server.request)));
    expect(server.peak).toBe(16);
    await Promise.all(Array.from({ length: 3_000 }, () => throttle.run(server.request)));
    expect(server.peak).toBe(mostAtOnce);
  });

  it("takes an answer such as 404 for an answer", async () => {
    const [throttle, server] = [new Throttle(), new Server(Infinity)];
    const absent = new ApiError("not found", 404, "notFound", false);
    const request = () => server.request().then(() => Promise.reject(absent));
    const all = await Promise.allSettled(Array.from({ length: 3_000 }, () => throttle.run(request)));
    expect(all.every((one) => one.status === "rejected" && one.reason === absent)).toBe(true);
    expect(server.peak).toBe(mostAtOnce);
  });

  it("halves when requests are refused, once for those that were under way together", async () => {
    const [throttle, none, all] = [new Throttle(), new Server(0), new Server(Infinity)];
    await Promise.allSettled(Array.from({ length: 16 }, () => throttle.run(none.request)));
    await Promise.all(Array.from({ length: 8 }, () => throttle.run(all.request)));
    expect([none.peak, all.peak]).toEqual([16, 8]);
    await Promise.all(Array.from({ length: 9 }, () => throttle.run(all.request)));
    expect(all.peak).toBe(9);
  });

  it("settles at what the server bears, and still gets everything through", async () => {
    const [throttle, server] = [new Throttle(), new Server(5)];
    await Promise.all(Array.from({ length: 200 }, () => insist(throttle, server)));
    expect(server.peak).toBe(16);
    server.peak = 0;
    await Promise.all(Array.from({ length: 400 }, () => insist(throttle, server)));
    expect(server.peak).toBe(6);
  });
});

test("a used up quota is waited for beyond the number of attempts, other faults are not", async () => {
  const failing = (fault: ApiError) => {
    let left = 4;
    return () => (left-- > 0 ? Promise.reject(fault) : Promise.resolve("done"));
  };
  const patience = { attempts: 2, first: 1, longest: 1, refill: 60 };
  expect(await withRetry(failing(refusal), patience)).toBe("done");
  const rate = new ApiError("rate", 403, "rateLimitExceeded", true);
  expect(await withRetry(failing(rate), patience)).toBe("done");
  await expect(withRetry(failing(refusal), { ...patience, refill: 0 })).rejects.toBe(refusal);
  const broken = new ApiError("broken", 503, "backendError", true);
  await expect(withRetry(failing(broken), patience)).rejects.toBe(broken);
  const forbidden = new ApiError("forbidden", 403, "forbidden", false);
  await expect(withRetry(failing(forbidden), patience)).rejects.toBe(forbidden);
});

describe("a fleet's status", () => {
  let fake: FakeCompute;
  beforeEach(() => {
    fake = new FakeCompute();
  });
  afterEach(() => fake.stop());

  it.each([
    ["429", error(429, "Too many requests", "rateLimitExceeded")],
    ["503", error(503, "Backend Error", "backendError")],
  ])("is complete although every VM's report was refused once with %s", async (_, fault) => {
    const endpoint = await fake.start();
    const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" };
    const guest = { "nixos-fleet/system": JSON.stringify(report({ revision: good, approved: good })) };
    fake.instances = Array.from({ length: 60 }, (__, index) => ({ name: `vm-${index}`, labels, guest }));
    fake.metadata[approvalKey("devs", "dev", "rest")] = JSON.stringify(approval(good));
    const refused = new Set<string>();
    fake.fault = (request) => {
      if (!request.includes("getGuestAttributes") || refused.has(request)) return undefined;
      refused.add(request);
      return fault;
    };
    const context = {
      compute: connect({ project: "p", endpoint, identity: { accessToken: "t" } }),
      id: { fleet: "devs", stack: "dev" },
    };
    const { vms } = await new StatusReader(context).read();
    expect(refused.size).toBe(60);
    expect(vms.map(({ drift }) => drift)).toEqual(Array.from({ length: 60 }, () => "none"));
  });
});
