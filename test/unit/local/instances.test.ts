import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { done, instanceBody, makeInstance, makeNetwork, project, refusal, serve, zone, type Served } from "./client";

let served: Served;

beforeEach(async () => {
  served = await serve();
  await makeNetwork(served);
});
afterEach(() => served.close());

const get = async (instance: string) => (await served.api.instances.get({ project, zone, instance })).data;

describe("making an instance", () => {
  test("it becomes RUNNING when its machine was started, with a boot disk and an address", async () => {
    const release = served.cloud.machines.hold();
    const begun = await served.api.instances.insert({ project, zone, requestBody: instanceBody("vm") });
    expect(begun.data.status).toBe("RUNNING");
    expect((await get("vm")).status).toMatch(/^(PROVISIONING|STAGING)$/);
    release();
    await done(served.api, Promise.resolve(begun));
    const vm = await get("vm");
    expect(vm).toMatchObject({ status: "RUNNING", networkInterfaces: [{ networkIP: "10.0.0.2" }] });
    expect(served.cloud.machines.specs.get("vm")).toEqual({
      disks: [],
      name: "vm",
      hostname: "vm.europe-west1-b.c.local-project.internal",
      address: "10.0.0.2",
      gateway: "10.0.0.1",
      prefixLength: 24,
    });
    const { data: disk } = await served.api.disks.get({ project, zone, disk: "vm" });
    expect(disk).toMatchObject({ sizeGb: "10", status: "READY", users: [vm.selfLink] });
    expect(vm.disks?.[0]?.source).toBe(disk.selfLink);
  });

  test("a machine that does not start leaves nothing behind", async () => {
    served.cloud.machines.fault = (call) => {
      if (call === "start vm") throw new Error("no cable");
    };
    await expect(makeInstance(served, "vm")).rejects.toThrow("INTERNAL_ERROR: vm: no cable");
    expect((await refusal(get("vm"))).status).toBe(404);
    expect(served.cloud.store.all("disks")).toEqual([]);
    expect(served.cloud.machines.calls).toContain("delete vm");
  });

  test("addresses are not given twice", async () => {
    await Promise.all(["a", "b", "c"].map((name) => makeInstance(served, name)));
    const addresses = served.cloud.store.instances().map(({ networkInterfaces }) => networkInterfaces[0]?.networkIP);
    expect(addresses.sort()).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
  });

  test.each([
    [
      "an unknown machine type",
      { machineType: `zones/${zone}/machineTypes/e2-nano` },
      400,
      /'e2-nano' does not exist in zone/,
    ],
    [
      "a machine type of another zone",
      { machineType: "zones/us-east1-b/machineTypes/e2-small" },
      400,
      /does not exist in zone 'europe-west1-b'/,
    ],
    [
      "an unknown image family",
      {
        disks: [
          { boot: true, initializeParams: { sourceImage: "projects/debian-cloud/global/images/family/debian-2" } },
        ],
      },
      400,
      /referenced image resource cannot be found/,
    ],
    [
      "an image by its bare name",
      { disks: [{ boot: true, initializeParams: { sourceImage: "nixos-fleet" } }] },
      400,
      /URL is malformed/,
    ],
    [
      "a disk smaller than its image",
      {
        disks: [{ boot: true, initializeParams: { sourceImage: "global/images/family/nixos-fleet", diskSizeGb: "5" } }],
      },
      400,
      /smaller than the image size/,
    ],
    ["a name with capitals", { name: "Vm" }, 400, /'resource.name': 'Vm'. Must be a match of regex/],
    ["a name of 64 characters", { name: "v".repeat(64) }, 400, /Must be a match of regex/],
    ["a label with a dot", { labels: { a: "b.c" } }, 400, /Label value 'b.c' violates format constraints/],
    [
      "a metadata key with a dot",
      { metadata: { items: [{ key: "a.b", value: "" }] } },
      400,
      /'resource.metadata.items\[0\].key': 'a.b'/,
    ],
    [
      "a metadata value of more than 256 KiB",
      { metadata: { items: [{ key: "a", value: "x".repeat(262145) }] } },
      413,
      /too large: maximum size 262144 character\(s\); actual size 262145/,
    ],
    [
      "metadata of more than 512 KiB",
      { metadata: { items: ["a", "b", "c"].map((key) => ({ key, value: "x".repeat(200_000) })) } },
      413,
      /maximum size 524288/,
    ],
    [
      "a network that is not there",
      { networkInterfaces: [{ network: "global/networks/default" }] },
      400,
      /networks\/default'. The referenced network resource cannot be found/,
    ],
  ])("%s is refused, and nothing is made", async (_what, more, status, message) => {
    const refused = await refusal(
      served.api.instances.insert({ project, zone, requestBody: instanceBody("vm", more) }),
    );
    expect(refused).toMatchObject({ status, message: expect.stringMatching(message) as string });
    expect(served.cloud.store.all("instances")).toEqual([]);
    expect(served.cloud.store.all("disks")).toEqual([]);
  });

  test("a second one of the name is refused, in whatever zone", async () => {
    await makeInstance(served, "vm");
    const again = await refusal(served.api.instances.insert({ project, zone, requestBody: instanceBody("vm") }));
    const message = "The resource 'projects/local-project/zones/europe-west1-b/instances/vm' already exists";
    expect(again).toEqual({ status: 409, reason: "alreadyExists", message });
    const other = instanceBody("vm", { machineType: "zones/europe-west1-c/machineTypes/e2-small" });
    const elsewhere = served.api.instances.insert({ project, zone: "europe-west1-c", requestBody: other });
    expect((await refusal(elsewhere)).status).toBe(400);
  });
});

describe("power", () => {
  beforeEach(() => makeInstance(served, "vm"));

  test("stop keeps the disk, start takes it again", async () => {
    const release = served.cloud.machines.hold();
    const stopping = await served.api.instances.stop({ project, zone, instance: "vm" });
    expect((await get("vm")).status).toBe("STOPPING");
    const early = served.api.instances.start({ project, zone, instance: "vm" });
    expect(await refusal(early)).toMatchObject({ status: 400, reason: "resourceNotReady" });
    release();
    await done(served.api, Promise.resolve(stopping));
    expect(await get("vm")).toMatchObject({ status: "TERMINATED", lastStopTimestamp: expect.any(String) as string });
    expect(served.cloud.machines.running.has("vm")).toBe(false);
    await done(served.api, served.api.instances.start({ project, zone, instance: "vm" }));
    expect((await get("vm")).status).toBe("RUNNING");
    expect(served.cloud.machines.calls).not.toContain("delete vm");
    await served.api.disks.get({ project, zone, disk: "vm" });
  });

  test("a machine that powers itself off is TERMINATED", async () => {
    served.cloud.machines.powerOff("vm");
    expect((await get("vm")).status).toBe("TERMINATED");
  });

  test("delete removes the machine and the disks that go with it, and no others", async () => {
    await done(served.api, served.api.disks.insert({ project, zone, requestBody: { name: "home", sizeGb: "20" } }));
    const source = `projects/${project}/zones/${zone}/disks/home`;
    const requestBody = { source, deviceName: "home" };
    await done(served.api, served.api.instances.attachDisk({ project, zone, instance: "vm", requestBody }));
    const inUse = await refusal(served.api.disks.delete({ project, zone, disk: "home" }));
    expect(inUse).toMatchObject({ status: 400, reason: "resourceInUseByAnotherResource" });
    await done(served.api, served.api.instances.delete({ project, zone, instance: "vm" }));
    expect((await refusal(get("vm"))).reason).toBe("notFound");
    expect(served.cloud.store.all("disks").map(({ name }) => name)).toEqual(["home"]);
    expect(served.cloud.machines.specs.has("vm")).toBe(false);
  });

  test("deletion protection refuses a delete until it is taken off", async () => {
    const protect = (deletionProtection: boolean) =>
      done(
        served.api,
        served.api.instances.setDeletionProtection({ project, zone, resource: "vm", deletionProtection }),
      );
    await protect(true);
    const refused = await refusal(served.api.instances.delete({ project, zone, instance: "vm" }));
    expect(refused).toMatchObject({ status: 400, reason: "invalidResourceUsage" });
    await protect(false);
    await done(served.api, served.api.instances.delete({ project, zone, instance: "vm" }));
  });

  test("what is asked of one instance is done in turn", async () => {
    served.cloud.machines.pace = 10;
    served.cloud.machines.calls.length = 0;
    await Promise.all([
      done(served.api, served.api.instances.stop({ project, zone, instance: "vm" })),
      done(served.api, served.api.instances.delete({ project, zone, instance: "vm" })),
    ]);
    expect(served.cloud.machines.calls).toEqual(["stop vm", "delete vm"]);
  });

  test("serial output", async () => {
    const { data } = await served.api.instances.getSerialPortOutput({ project, zone, instance: "vm" });
    expect(data).toMatchObject({ contents: "boot of vm\n", next: "11" });
    const rest = await served.api.instances.getSerialPortOutput({ project, zone, instance: "vm", start: "8" });
    expect(rest.data.contents).toBe("vm\n");
  });
});

describe("changes in place", () => {
  beforeEach(() => makeInstance(served, "vm", { labels: { a: "1" }, metadata: { items: [{ key: "k", value: "1" }] } }));

  test("metadata wants the present fingerprint, and gets another", async () => {
    const { metadata } = await get("vm");
    const write = (value: string) =>
      served.api.instances.setMetadata({
        project,
        zone,
        instance: "vm",
        requestBody: { ...metadata, items: [{ key: "k", value }] },
      });
    await done(served.api, write("2"));
    expect((await get("vm")).metadata?.items).toEqual([{ key: "k", value: "2" }]);
    expect(await refusal(write("3"))).toEqual({
      status: 412,
      reason: "conditionNotMet",
      message: "Supplied fingerprint does not match current metadata fingerprint.",
    });
    expect((await get("vm")).metadata?.items).toEqual([{ key: "k", value: "2" }]);
  });

  test("labels and tags in the same way", async () => {
    const { labelFingerprint, tags } = await get("vm");
    const label = () =>
      served.api.instances.setLabels({
        project,
        zone,
        instance: "vm",
        requestBody: { labelFingerprint: labelFingerprint ?? "", labels: { b: "2" } },
      });
    await done(served.api, label());
    expect((await refusal(label())).message).toBe("Labels fingerprint either invalid or resource labels have changed");
    const tag = () =>
      served.api.instances.setTags({ project, zone, instance: "vm", requestBody: { ...tags, items: ["web"] } });
    await done(served.api, tag());
    expect((await refusal(tag())).status).toBe(412);
    expect(await get("vm")).toMatchObject({ labels: { b: "2" }, tags: { items: ["web"] } });
  });

  test("a machine type changes while the instance is stopped only, and not to every series", async () => {
    const change = (to = "n2-standard-4") =>
      served.api.instances.setMachineType({
        project,
        zone,
        instance: "vm",
        requestBody: { machineType: `zones/${zone}/machineTypes/${to}` },
      });
    expect((await refusal(change())).status).toBe(400);
    await done(served.api, served.api.instances.stop({ project, zone, instance: "vm" }));
    await done(served.api, change());
    expect((await refusal(change("n4-standard-4"))).message).toContain("does not change to this machine series");
    expect((await get("vm")).machineType).toMatch(/n2-standard-4$/);
  });
});

test("guest attributes by namespace, by key, and 404 where there are none", async () => {
  await makeInstance(served, "vm");
  const ask = (queryPath: string) =>
    served.api.instances.getGuestAttributes({ project, zone, instance: "vm", queryPath });
  expect(await refusal(ask("nixos-fleet/"))).toMatchObject({
    status: 404,
    message: "The resource 'nixos-fleet/' of type 'Guest Attribute' was not found.",
  });
  served.cloud.store.state.guestAttributes = {
    vm: { "nixos-fleet/system": "{}", "nixos-fleet/home-a": "1", "x/y": "z" },
  };
  expect((await ask("nixos-fleet/")).data.queryValue?.items).toEqual([
    { namespace: "nixos-fleet", key: "system", value: "{}" },
    { namespace: "nixos-fleet", key: "home-a", value: "1" },
  ]);
  expect((await ask("x/y")).data.queryValue?.items).toEqual([{ namespace: "x", key: "y", value: "z" }]);
});
