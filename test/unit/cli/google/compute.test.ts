import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { ApiError, nextStep } from "../../../../cli/google/api-error";
import { connect, type Compute } from "../../../../cli/google/compute";
import { chooseFleet, readVms } from "../../../../cli/fleet";
import { backoff } from "../../../../cli/google/retry";
import { error, FakeCompute } from "./fake-compute";

const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev" };
let fake: FakeCompute;
let compute: Compute;

beforeEach(async () => {
  fake = new FakeCompute();
  compute = connect({ project: "p", endpoint: await fake.start(), identity: { accessToken: "secret" }, attempts: 3 });
});
afterEach(() => fake.stop());

describe("instances", () => {
  it("are read page by page, by label, sorted, with the token", async () => {
    fake.pageSize = 2;
    fake.instances = ["c", "a", "b", "e", "d"].map((name) => ({ name, labels, zone: `z-${name}` }));
    fake.instances.push({ name: "stranger", labels: { ...labels, "nixos-fleet": "others" } });
    const vms = await readVms(compute, { fleet: "devs", stack: "dev" });
    expect(vms.map(({ name, zone }) => [name, zone])).toEqual(
      ["a", "b", "c", "d", "e"].map((name) => [name, `z-${name}`]),
    );
    expect(fake.count("aggregated/instances")).toBe(3);
    expect(fake.authorizations).toEqual(new Set(["Bearer secret"]));
  });

  it("carry what their metadata says, before their labels", async () => {
    const metadata = {
      "nixos-fleet": JSON.stringify({
        wave: "Canary One",
        follow: "approved",
        homes: [{ user: "eve", attribute: "eve" }],
      }),
    };
    const wave = { ...labels, "nixos-fleet-wave": "canary-one" };
    fake.instances = [
      { name: "a", labels: { ...wave, "nixos-fleet-owner": "eve" }, metadata },
      { name: "b", labels: wave, metadata: { "nixos-fleet": "nonsense" } },
    ];
    expect(await readVms(compute, { fleet: "devs", stack: "dev" })).toMatchObject([
      { name: "a", wave: "Canary One", owner: "eve", follow: "approved", homes: [{ user: "eve", attribute: "eve" }] },
      { name: "b", wave: "canary-one", owner: null, follow: "branch", homes: [] },
    ]);
  });

  it("of a zone that does not answer are an error, not gone", async () => {
    fake.fault = () => ({ status: 200, body: { items: { "zones/z1": { warning: { code: "UNREACHABLE" } } } } });
    await expect(compute.instances()).rejects.toMatchObject({
      transient: true,
      message: "Compute returned nothing of zones/z1",
    });
  });
});

describe("guest attributes", () => {
  it("are a namespace's, and none where there are none", async () => {
    fake.instances = [
      { name: "a", guest: { "nixos-fleet/system": "{}", "hostkeys/ssh-ed25519": "AAAA" } },
      { name: "b" },
    ];
    expect(await compute.guestAttributes({ name: "a", zone: "z1" }, "nixos-fleet")).toEqual({ system: "{}" });
    expect(await compute.guestAttributes({ name: "b", zone: "z1" }, "nixos-fleet")).toEqual({});
  });
});

test("VMs' metadata, which carry their startup scripts, are read again only where they changed", async () => {
  fake.instances = [
    { name: "a", metadata: { "nixos-fleet": "1" } },
    { name: "b", metadata: { "nixos-fleet": "2" } },
  ];
  const look = async () => (await compute.instances()).map(({ metadata }) => metadata["nixos-fleet"]);
  expect(await look()).toEqual(["1", "2"]);
  expect(await look()).toEqual(["1", "2"]);
  expect(fake.count("metadata/items")).toBe(1);
  fake.instances[1] = { name: "b", metadata: { "nixos-fleet": "3" } };
  expect(await look()).toEqual(["1", "3"]);
  expect(fake.count("metadata/items")).toBe(2);
  fake.instances.push({ name: "c", metadata: { "nixos-fleet": "4" } });
  expect(await look()).toEqual(["1", "3", "4"]);
});

describe("faults", () => {
  test.each([
    ["503", error(503, "Backend Error", "backendError")],
    ["429", { ...error(429, "Too many requests", "rateLimitExceeded"), headers: { "retry-after": "0" } }],
    ["403 for the rate", error(403, "Quota exceeded", "rateLimitExceeded")],
  ])("that pass (%s) are waited for", async (_, fault) => {
    let faults = 2;
    fake.fault = () => (faults-- > 0 ? fault : undefined);
    expect(await compute.projectMetadata()).toEqual({});
    expect(fake.requests).toHaveLength(3);
  });

  it("that stay are reported in one line, after a bounded number of calls", async () => {
    fake.fault = () => error(503, "Backend\u001b[2J\nError", "backendError");
    await expect(compute.projectMetadata()).rejects.toMatchObject({
      message: "HTTP 503: Backend Error",
      transient: true,
    });
    expect(fake.requests).toHaveLength(3);
  });

  it("that waiting does not fix are reported at once", async () => {
    fake.fault = () => error(403, "Required 'compute.projects.get' permission", "forbidden");
    await expect(compute.projectMetadata()).rejects.toMatchObject({ status: 403, transient: false });
    expect(fake.requests).toHaveLength(1);
  });

  it("say when to try again", async () => {
    const fault = error(403, "Required 'compute.projects.get' permission", "forbidden");
    fake.fault = () => ({ ...fault, headers: { "retry-after": "7" } });
    await expect(compute.projectMetadata()).rejects.toMatchObject({ retryAfter: 7 });
  });

  it("of the connection may pass", async () => {
    await fake.stop();
    const thrown = await compute.projectMetadata().catch((reason: unknown) => reason);
    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown).toMatchObject({
      transient: true,
      message: expect.stringMatching(/^no answer from 127.0.0.1:\d+: connect ECONNREFUSED/) as string,
    });
    expect(nextStep(thrown as ApiError, undefined)).toBe("; check the network, then run fleet doctor");
    fake = new FakeCompute();
    await fake.start();
  });

  test.each(["ftp://x/compute/v1/", "http://127.0.0.1:1/", "nonsense"])("endpoint %s is refused", (endpoint) => {
    expect(() => connect({ project: "p", endpoint })).toThrow(/NIXOS_FLEET_COMPUTE_ENDPOINT/);
  });
});

describe("project metadata", () => {
  it("is changed in one item, the others kept, and waits for the operation", async () => {
    fake.metadata = { "ssh-keys": "eve:ssh-ed25519 AAAA", item: "1" };
    await compute.editProjectItem("item", ({ item }) => `${item ?? ""}2`);
    expect(fake.metadata).toEqual({ "ssh-keys": "eve:ssh-ed25519 AAAA", item: "12" });
    expect(fake.count("global/operations")).toBe(2);
    await compute.editProjectItem("item", () => undefined);
    expect(fake.metadata).toEqual({ "ssh-keys": "eve:ssh-ed25519 AAAA" });
  });

  it("keeps what another wrote at the same time", async () => {
    let others = 2;
    fake.beforeWrite = () => {
      if (others-- > 0) {
        fake.setMetadata("item", `${fake.metadata["item"] ?? ""}o`);
      }
    };
    await compute.editProjectItem("item", ({ item }) => `${item ?? ""}m`);
    expect(fake.metadata["item"]).toBe("oom");
  });

  it("is not written where nothing changes", async () => {
    fake.metadata = { item: "1" };
    await compute.editProjectItem("item", ({ item }) => item);
    expect(fake.count("POST")).toBe(0);
  });

  it("refuses a value that Compute would refuse", async () => {
    await expect(compute.editProjectItem("item", () => "x".repeat(300_000))).rejects.toThrow(
      /300000 bytes; Compute takes at most 262144/,
    );
  });
});

describe("which fleet", () => {
  const of = (fleet: string, stack: string) => ({ labels: { "nixos-fleet": fleet, "nixos-fleet-stack": stack } });
  const two = [of("devs", "dev"), of("devs", "prod"), of("devs", "dev"), { labels: {} }];

  it("is the only one, or the one that was named", () => {
    expect(chooseFleet([of("devs", "dev"), of("devs", "dev")], {}, "p")).toEqual({ fleet: "devs", stack: "dev" });
    expect(chooseFleet(two, { stack: "prod" }, "p")).toEqual({ fleet: "devs", stack: "prod" });
  });

  it("is asked for where there are several, in one line", () => {
    expect(() => chooseFleet(two, {}, "p")).toThrow(
      "project p has several fleets; say which: --fleet devs --stack dev, --fleet devs --stack prod",
    );
  });

  it("is reported where there is none", () => {
    expect(() => chooseFleet([], {}, "p")).toThrow(/no such fleet in project p/);
    expect(() => chooseFleet(two, { fleet: "ops" }, "p")).toThrow(/it has --fleet devs --stack dev/);
  });
});

test("pauses double, by chance between half and whole, up to a limit", () => {
  expect([1, 2, 3, 9].map((failures) => backoff(failures, 100, 1000, 1))).toEqual([100, 200, 400, 1000]);
  expect(backoff(1, 100, 1000, 0)).toBe(50);
});
