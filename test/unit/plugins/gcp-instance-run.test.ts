import { describe, expect, it } from "vitest";
import { UNKNOWN, type Json } from "./client";
import { INSTANCE, startGcpPlugin, vm, withNetwork } from "./gcp-plugin";

const gcp = startGcpPlugin();

describe("an instance", () => {
  it("is created, read, changed and deleted", async () => {
    await withNetwork(gcp);
    const { id, state } = await gcp.plugin.create(INSTANCE, vm);
    expect(id).toBe("projects/local-project/zones/europe-west1-b/instances/vm");
    expect(state).toMatchObject({
      id,
      currentStatus: "RUNNING",
      networkInterfaces: [{ networkIp: "10.10.0.2", subnetworkProject: "local-project" }],
      labels: { fleet: "devs" },
      effectiveLabels: { fleet: "devs", "goog-pulumi-provisioned": "true" },
    });

    const news = { ...vm, metadata: { a: "2" }, labels: { fleet: "devs", owner: "alice" } };
    const updated = await gcp.plugin.update(INSTANCE, id, state, vm, news);
    expect(updated).toMatchObject({ metadata: { a: "2" }, labels: { owner: "alice" } });
    expect(updated["metadataFingerprint"]).not.toBe(state["metadataFingerprint"]);

    const read = await gcp.plugin.read(INSTANCE, id, updated, news);
    expect(read.state).toEqual(updated);
    expect(read.inputs).toEqual({ ...news, __defaults: [] });

    await gcp.plugin.delete(INSTANCE, id, updated);
    expect(gcp.cloud.machines.specs.size).toBe(0);
    expect((await gcp.plugin.read(INSTANCE, id, updated, news)).id).toBe("");
    await expect(gcp.plugin.delete(INSTANCE, id, updated)).rejects.toThrow(/^Error deleting instance: .*Error 404/);
  });

  it("shows at a refresh what others changed, and only that", async () => {
    await withNetwork(gcp);
    const { id, state } = await gcp.plugin.create(INSTANCE, vm);
    gcp.cloud.store.update("zones/europe-west1-b/instances/vm", {
      tags: { items: ["a"], fingerprint: "x" },
      labels: { fleet: "other", foreign: "x" },
    });
    const { inputs } = await gcp.plugin.read(INSTANCE, id, state, vm);
    expect(inputs).toEqual({ ...vm, tags: ["a"], labels: { fleet: "other" }, __defaults: [] });
    expect((await gcp.plugin.diff(INSTANCE, inputs, vm)).paths).toEqual(["labels.fleet", "tags[1]"]);
  });

  it("is imported by a short id", async () => {
    await withNetwork(gcp);
    const { id } = await gcp.plugin.create(INSTANCE, vm);
    const read = await gcp.plugin.read(INSTANCE, "europe-west1-b/vm");
    expect(read.id).toBe(id);
    expect(read.inputs).toMatchObject({
      name: "vm",
      zone: "europe-west1-b",
      machineType: "e2-medium",
      metadata: { a: "1" },
    });
    // Neither defaults nor empty lists: a program that does not set them changes nothing.
    expect(read.inputs).not.toHaveProperty("attachedDisks");
    expect(read.inputs["bootDisk"]).not.toHaveProperty("mode");
  });

  it("that is protected stays", async () => {
    await withNetwork(gcp);
    const { id, state } = await gcp.plugin.create(INSTANCE, { ...vm, deletionProtection: true });
    await expect(gcp.plugin.delete(INSTANCE, id, state)).rejects.toThrow("Deletion Protection is enabled");
    await expect(gcp.plugin.delete(INSTANCE, id, { ...state, deletionProtection: false })).rejects.toThrow(
      /^Error deleting instance: googleapi: Error 4/,
    );
  });

  it("of an unknown image is refused with its name", async () => {
    const bootDisk = { initializeParams: { image: "debian-cloud/debian-99" } };
    await expect(gcp.plugin.create(INSTANCE, { ...vm, bootDisk })).rejects.toThrow(
      "Could not find image or family debian-cloud/debian-99",
    );
  });

  it("that cannot be made says what Compute says", async () => {
    await withNetwork(gcp);
    await gcp.plugin.create(INSTANCE, vm);
    await expect(gcp.plugin.create(INSTANCE, vm)).rejects.toThrow(
      /^googleapi: Error 409: .*already exists.*alreadyExists$/,
    );
    gcp.cloud.machines.fault = (call) => {
      if (call === "start other") throw new Error("no power");
    };
    await expect(gcp.plugin.create(INSTANCE, { ...vm, name: "other" })).rejects.toThrow(/^Error waiting for insert/);
  });

  it("in a preview asks Compute nothing, and says what is not known yet", async () => {
    const { id, state } = await gcp.plugin.create(INSTANCE, { ...vm, labels: UNKNOWN }, { preview: true });
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
    expect(await gcp.plugin.update(INSTANCE, "id", known, vm, news, true)).toMatchObject({
      metadata: { a: UNKNOWN },
      selfLink: "link",
      currentStatus: "RUNNING",
    });
    expect(gcp.asked).toEqual([]);
  });

  it("is replaced by what Compute cannot change, its own name first out of the way", async () => {
    const diff = (news: Json) => gcp.plugin.diff(INSTANCE, vm, { ...vm, ...news, __defaults: [] });
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
    const generated = await gcp.plugin.diff(INSTANCE, vm, { ...vm, zone: "europe-west1-c", __defaults: ["name"] });
    expect(generated).toEqual({ paths: ["zone!"], deleteFirst: false });
  });
});
