import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiServer } from "../../../local/api/server";
import { memoryCloud, type MemoryCloud } from "../local/local-machines";
import { Plugin, UNKNOWN, type Json } from "./client";

const NETWORK = "gcp:compute/network:Network";
const SUBNETWORK = "gcp:compute/subnetwork:Subnetwork";
const ROUTER = "gcp:compute/router:Router";
const NAT = "gcp:compute/routerNat:RouterNat";
const INSTANCE = "gcp:compute/instance:Instance";
const ITEM = "gcp:compute/projectMetadataItem:ProjectMetadataItem";
const vm: Json = {
  name: "vm",
  zone: "europe-west1-b",
  machineType: "e2-medium",
  bootDisk: { initializeParams: { image: "debian-cloud/debian-12", size: 20 } },
  networkInterfaces: [{ subnetwork: "projects/local-project/regions/europe-west1/subnetworks/sub" }],
  metadata: { a: "1" },
  labels: { fleet: "devs" },
  tags: ["b", "a"],
};

let plugin: Plugin;
let cloud: MemoryCloud;
let server: Server;
const asked: string[] = [];

beforeAll(async () => {
  // One endpoint for all tests, each with a cloud of its own behind it.
  const { createServer } = await import("node:http");
  server = createServer((request, response) => {
    asked.push(`${request.method ?? ""} ${(request.url ?? "").replace("/compute/v1/projects/local-project/", "")}`);
    apiServer(cloud).emit("request", request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  plugin = await Plugin.start("gcp", {
    NIXOS_FLEET_COMPUTE_ENDPOINT: `http://127.0.0.1:${port}/compute/v1/`,
    GOOGLE_OAUTH_ACCESS_TOKEN: "local",
  });
  const configured = await plugin.configure({ project: "local-project", region: "europe-west1" });
  expect(configured.getSupportspreview()).toBe(true);
});
afterAll(async () => {
  await plugin.stop();
  server.close();
});
beforeEach(() => {
  cloud = memoryCloud();
});
afterEach(() => {
  asked.length = 0;
});

async function withNetwork(): Promise<void> {
  const { state } = await plugin.create(NETWORK, { name: "net", autoCreateSubnetworks: false });
  await plugin.create(SUBNETWORK, { name: "sub", network: state["selfLink"] ?? "", ipCidrRange: "10.10.0.0/24" });
}

describe("an instance", () => {
  it("is created, read, changed and deleted", async () => {
    await withNetwork();
    const { id, state } = await plugin.create(INSTANCE, vm);
    expect(id).toBe("projects/local-project/zones/europe-west1-b/instances/vm");
    expect(state).toMatchObject({
      id,
      currentStatus: "RUNNING",
      networkInterfaces: [{ networkIp: "10.10.0.2", subnetworkProject: "local-project" }],
      labels: { fleet: "devs" },
      effectiveLabels: { fleet: "devs", "goog-pulumi-provisioned": "true" },
    });

    const news = { ...vm, metadata: { a: "2" }, labels: { fleet: "devs", owner: "alice" } };
    const updated = await plugin.update(INSTANCE, id, state, vm, news);
    expect(updated).toMatchObject({ metadata: { a: "2" }, labels: { owner: "alice" } });
    expect(updated["metadataFingerprint"]).not.toBe(state["metadataFingerprint"]);

    const read = await plugin.read(INSTANCE, id, updated, news);
    expect(read.state).toEqual(updated);
    expect(read.inputs).toEqual({ ...news, __defaults: [] });

    await plugin.delete(INSTANCE, id, updated);
    expect(cloud.machines.specs.size).toBe(0);
    expect((await plugin.read(INSTANCE, id, updated, news)).id).toBe("");
    await plugin.delete(INSTANCE, id, updated);
  });

  it("shows at a refresh what others changed, and only that", async () => {
    await withNetwork();
    const { id, state } = await plugin.create(INSTANCE, vm);
    cloud.store.update("zones/europe-west1-b/instances/vm", {
      tags: { items: ["a"], fingerprint: "x" },
      labels: { fleet: "other", foreign: "x" },
    });
    const { inputs } = await plugin.read(INSTANCE, id, state, vm);
    expect(inputs).toEqual({ ...vm, tags: ["a"], labels: { fleet: "other" }, __defaults: [] });
    expect((await plugin.diff(INSTANCE, inputs, vm)).paths).toEqual(["labels.fleet", "tags[1]"]);
  });

  it("is imported by a short id", async () => {
    await withNetwork();
    const { id } = await plugin.create(INSTANCE, vm);
    const read = await plugin.read(INSTANCE, "europe-west1-b/vm");
    expect(read.id).toBe(id);
    expect(read.inputs).toMatchObject({
      name: "vm",
      zone: "europe-west1-b",
      machineType: "e2-medium",
      metadata: { a: "1" },
    });
  });

  it("that is protected stays", async () => {
    await withNetwork();
    const { id, state } = await plugin.create(INSTANCE, { ...vm, deletionProtection: true });
    await expect(plugin.delete(INSTANCE, id, state)).rejects.toThrow("Deletion Protection is enabled");
    await expect(plugin.delete(INSTANCE, id, { ...state, deletionProtection: false })).rejects.toThrow(
      /^googleapi: Error 4/,
    );
  });

  it("of an unknown image is refused with its name", async () => {
    const bootDisk = { initializeParams: { image: "debian-cloud/debian-99" } };
    await expect(plugin.create(INSTANCE, { ...vm, bootDisk })).rejects.toThrow(
      "Could not find image or family debian-cloud/debian-99",
    );
  });

  it("that cannot be made says what Compute says", async () => {
    await withNetwork();
    await plugin.create(INSTANCE, vm);
    await expect(plugin.create(INSTANCE, vm)).rejects.toThrow(
      /^googleapi: Error 409: .*already exists.*alreadyExists$/,
    );
    cloud.machines.fault = (call) => {
      if (call === "start other") throw new Error("no power");
    };
    await expect(plugin.create(INSTANCE, { ...vm, name: "other" })).rejects.toThrow(/^Error waiting for insert/);
  });

  it("in a preview asks Compute nothing, and says what is not known yet", async () => {
    const { id, state } = await plugin.create(INSTANCE, { ...vm, labels: UNKNOWN }, { preview: true });
    expect(id).toBe("");
    expect(state).toMatchObject({
      name: "vm",
      project: "local-project",
      zone: "europe-west1-b",
      labels: UNKNOWN,
      selfLink: UNKNOWN,
      currentStatus: UNKNOWN,
      networkInterfaces: [
        { networkIp: UNKNOWN, subnetwork: "projects/local-project/regions/europe-west1/subnetworks/sub" },
      ],
      bootDisk: { deviceName: UNKNOWN, initializeParams: { size: 20 } },
    });
    const known = { ...state, selfLink: "link", currentStatus: "RUNNING" };
    const news = { ...vm, metadata: { a: UNKNOWN } };
    expect(await plugin.update(INSTANCE, "id", known, vm, news, true)).toMatchObject({
      metadata: { a: UNKNOWN },
      selfLink: "link",
      currentStatus: "RUNNING",
    });
    expect(asked).toEqual([]);
  });

  it("is replaced by what Compute cannot change, its own name first out of the way", async () => {
    const diff = (news: Json) => plugin.diff(INSTANCE, vm, { ...vm, ...news, __defaults: [] });
    expect(await diff({ metadata: { a: "2" }, machineType: "e2-small", tags: ["a", "b"] })).toEqual({
      paths: ["machineType", "metadata.a"],
      deleteFirst: false,
    });
    expect(await diff({ zone: "europe-west1-c", metadataStartupScript: "s" })).toEqual({
      paths: ["metadataStartupScript!", "zone!"],
      deleteFirst: true,
    });
    const image = { bootDisk: { initializeParams: { image: "debian-cloud/debian-13", size: 30 } } };
    expect((await diff(image)).paths).toEqual(["bootDisk.initializeParams.image!", "bootDisk.initializeParams.size"]);
    const generated = await plugin.diff(INSTANCE, vm, { ...vm, zone: "europe-west1-c", __defaults: ["name"] });
    expect(generated).toEqual({ paths: ["zone!"], deleteFirst: false });
  });
});

describe("a project's metadata item", () => {
  const item = { key: "k", value: "1" };
  const items = () => cloud.store.state.project.metadata.items ?? [];

  it("is written beside the others, and taken away alone", async () => {
    await Promise.all(["a", "b", "c", "d"].map((key) => plugin.create(ITEM, { key, value: key })));
    const { id, state } = await plugin.create(ITEM, item);
    expect(id).toBe("k");
    const changed = await plugin.update(ITEM, id, state, item, { ...item, value: "2" });
    expect(items()).toContainEqual({ key: "k", value: "2" });
    expect((await plugin.read(ITEM, id, changed, { ...item, value: "2" })).inputs["value"]).toBe("2");
    await plugin.delete(ITEM, id, changed);
    expect(
      items()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["a", "b", "c", "d"]);
    expect((await plugin.read(ITEM, id, changed, item)).id).toBe("");
  });

  it("that someone else made is not taken over", async () => {
    await plugin.create(ITEM, item);
    await expect(plugin.create(ITEM, item)).rejects.toThrow(
      'key "k" already present in metadata for project "local-project"',
    );
  });

  it("is replaced when its key changes", async () => {
    expect((await plugin.diff(ITEM, item, { key: "l", value: "2" })).paths).toEqual(["key!", "value"]);
  });
});

describe("a router's NAT", () => {
  it("comes and goes without the others", async () => {
    const { state } = await plugin.create(NETWORK, { name: "net", autoCreateSubnetworks: false });
    await plugin.create(ROUTER, { name: "router", network: state["selfLink"] ?? "" });
    const nat = (name: string): Json => ({
      name,
      router: "router",
      natIpAllocateOption: "AUTO_ONLY",
      sourceSubnetworkIpRangesToNat: "ALL_SUBNETWORKS_ALL_IP_RANGES",
    });
    const [one, two] = await Promise.all([plugin.create(NAT, nat("one")), plugin.create(NAT, nat("two"))]);
    expect(one.id).toBe("local-project/europe-west1/router/one");
    await expect(plugin.create(NAT, nat("one"))).rejects.toThrow("already has a NAT named one");
    const more = { ...nat("two"), minPortsPerVm: 128 };
    expect(await plugin.update(NAT, two.id, two.state, nat("two"), more)).toMatchObject({ minPortsPerVm: 128 });
    await plugin.delete(NAT, one.id, one.state);
    expect((await plugin.read(NAT, one.id, one.state, nat("one"))).id).toBe("");
    expect((await plugin.read(NAT, two.id, two.state, more)).inputs).toMatchObject(more);
  });
});

describe("functions", () => {
  it("find an instance, or say which one is not there", async () => {
    await withNetwork();
    await plugin.create(INSTANCE, vm);
    const getInstance = "gcp:compute/getInstance:getInstance";
    const found = await plugin.invoke(getInstance, { name: "vm", zone: "europe-west1-b" });
    expect(found).toMatchObject({ currentStatus: "RUNNING", tags: ["b", "a"] });
    await expect(plugin.invoke(getInstance, { name: "none", zone: "europe-west1-b" })).rejects.toThrow(
      "Instance projects/local-project/zones/europe-west1-b/instances/none not found",
    );
    await expect(plugin.invoke(getInstance, { name: "vm" })).rejects.toThrow("zone: required field is not set");
    await expect(plugin.invoke(getInstance, { nam: "vm" })).rejects.toThrow("nam is no property");
  });

  it("read guest attributes; none are no error", async () => {
    await withNetwork();
    await plugin.create(INSTANCE, { ...vm, metadata: { "enable-guest-attributes": "TRUE" } });
    const get = "gcp:compute/getInstanceGuestAttributes:getInstanceGuestAttributes";
    const at = { name: "vm", zone: "europe-west1-b" };
    expect((await plugin.invoke(get, { ...at, queryPath: "hostkeys/" }))["queryValues"]).toEqual([]);
    await expect(plugin.invoke(get, { ...at, name: "none", queryPath: "x/" })).rejects.toThrow("not found");
    await expect(plugin.invoke(get, { ...at, queryPath: "x/", variableKey: "x/y" })).rejects.toThrow("conflicts");
  });

  it("that are unknown are named", async () => {
    await expect(plugin.invoke("gcp:compute/getZones:getZones", {})).rejects.toThrow("gcp:compute/getZones:getZones");
  });
});

describe("the check", () => {
  it("makes names, and keeps them", async () => {
    const first = await plugin.check(NETWORK, {}, {}, "Net");
    expect(first.inputs["name"]).toMatch(/^net-[0-9a-f]{7}$/);
    expect((await plugin.check(NETWORK, {}, first.inputs, "Net")).inputs).toEqual(first.inputs);
  });

  it("refuses what neither the declarations nor the stand-in know", async () => {
    expect((await plugin.check(NETWORK, { autoCreateSubnetwork: true })).reasons).toEqual([
      "autoCreateSubnetwork is no property that @pulumi/gcp 9.37.0 knows; did you mean autoCreateSubnetworks?",
    ]);
    expect((await plugin.check(NETWORK, { networkProfile: "x" })).reasons).toEqual([
      "networkProfile: the local stand-in for the gcp provider does not translate it",
    ]);
    expect((await plugin.check(NETWORK, { name: "No" })).reasons[0]).toContain('name: "No" must match');
    const nowhere = { ...vm, zone: null };
    expect((await plugin.check(INSTANCE, nowhere)).reasons).toEqual([
      "zone: required field is not set; set it here or as gcp:zone",
    ]);
    await expect(plugin.check("gcp:sql/database:Database", {})).rejects.toThrow("gcp:sql/database:Database");
  });

  it("refuses configuration that the provider does not have", async () => {
    expect(await plugin.checkConfig({ project: "p", version: "9.37.0" })).toEqual([]);
    expect(await plugin.checkConfig({ projct: "p" })).toEqual([
      "gcp:projct is no setting that @pulumi/gcp 9.37.0 knows",
    ]);
  });
});

describe("the plugin", () => {
  it("says which setting is missing, and which API does not answer", async () => {
    const lost = await Plugin.start("gcp", { NIXOS_FLEET_COMPUTE_ENDPOINT: "" });
    try {
      await lost.configure({ project: "p" });
      await expect(lost.create(NETWORK, { name: "n" })).rejects.toThrow("NIXOS_FLEET_COMPUTE_ENDPOINT is not set");
    } finally {
      await lost.stop();
    }
    const wrong = await Plugin.start("gcp", { NIXOS_FLEET_COMPUTE_ENDPOINT: "http://127.0.0.1:1/compute/v1" });
    try {
      await wrong.configure({ project: "p" });
      await expect(wrong.create(NETWORK, { name: "n" })).rejects.toThrow(
        "the Compute API at http://127.0.0.1:1/compute/v1/ does not answer",
      );
    } finally {
      await wrong.stop();
    }
  });
});
