import { describe, expect, it } from "vitest";
import { cloudDashboard } from "../../../infra/monitoring/dashboards";
import { Plugin, type Json } from "./client";
import { INSTANCE, ITEM, NAT, NETWORK, ROUTER, startGcpPlugin, vm, withNetwork } from "./gcp-plugin";

const gcp = startGcpPlugin();

describe("a project's metadata item", () => {
  const item = { key: "k", value: "1" };
  const items = () => gcp.cloud.store.state.project.metadata.items ?? [];

  it("is written beside the others, and taken away alone", async () => {
    await Promise.all(["a", "b", "c", "d"].map((key) => gcp.plugin.create(ITEM, { key, value: key })));
    const { id, state } = await gcp.plugin.create(ITEM, item);
    expect(id).toBe("k");
    const changed = await gcp.plugin.update(ITEM, id, state, item, { ...item, value: "2" });
    expect(items()).toContainEqual({ key: "k", value: "2" });
    expect((await gcp.plugin.read(ITEM, id, changed, { ...item, value: "2" })).inputs["value"]).toBe("2");
    await gcp.plugin.delete(ITEM, id, changed);
    expect(
      items()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["a", "b", "c", "d"]);
    expect((await gcp.plugin.read(ITEM, id, changed, item)).id).toBe("");
  });

  it("that someone else made is not taken over", async () => {
    await gcp.plugin.create(ITEM, item);
    await expect(gcp.plugin.create(ITEM, item)).rejects.toThrow(
      'key "k" already present in metadata for project "local-project"',
    );
  });

  it("is replaced when its key changes", async () => {
    expect((await gcp.plugin.diff(ITEM, item, { key: "l", value: "2" })).paths).toEqual(["key!", "value"]);
  });
});

describe("a router's NAT", () => {
  it("comes and goes without the others", async () => {
    const { state } = await gcp.plugin.create(NETWORK, { name: "net", autoCreateSubnetworks: false });
    await gcp.plugin.create(ROUTER, { name: "router", network: state["selfLink"] ?? "" });
    const nat = (name: string): Json => ({
      name,
      router: "router",
      natIpAllocateOption: "AUTO_ONLY",
      sourceSubnetworkIpRangesToNat: "ALL_SUBNETWORKS_ALL_IP_RANGES",
    });
    const [one, two] = await Promise.all([gcp.plugin.create(NAT, nat("one")), gcp.plugin.create(NAT, nat("two"))]);
    expect(one.id).toBe("local-project/europe-west1/router/one");
    await expect(gcp.plugin.create(NAT, nat("one"))).rejects.toThrow("already has a NAT named one");
    const more = { ...nat("two"), minPortsPerVm: 128 };
    expect(await gcp.plugin.update(NAT, two.id, two.state, nat("two"), more)).toMatchObject({ minPortsPerVm: 128 });
    await gcp.plugin.delete(NAT, one.id, one.state);
    expect((await gcp.plugin.read(NAT, one.id, one.state, nat("one"))).id).toBe("");
    expect((await gcp.plugin.read(NAT, two.id, two.state, more)).inputs).toMatchObject(more);
  });
});

describe("a dashboard", () => {
  const DASHBOARD = "gcp:monitoring/dashboard:Dashboard";
  const of = (document: object): Json => ({ dashboardJson: JSON.stringify(document) });
  const fleet = { project: "acme", fleet: "devs", stack: "dev" };
  const limits = { channels: [], daysBehind: 3, silentAfter: 3600 };

  it("of a fleet stays as it is at the next preview, and its next text changes it", async () => {
    const inputs = of(cloudDashboard(fleet, limits));
    const { id, state } = await gcp.plugin.create(DASHBOARD, inputs);
    expect((await gcp.plugin.diff(DASHBOARD, inputs, inputs, state)).paths).toEqual([]);
    const next = of(cloudDashboard(fleet, { ...limits, daysBehind: 7 }));
    expect((await gcp.plugin.diff(DASHBOARD, inputs, next, state)).paths).toEqual(["dashboardJson"]);
    const updated = await gcp.plugin.update(DASHBOARD, id, state, inputs, next);
    expect((await gcp.plugin.diff(DASHBOARD, next, next, updated)).paths).toEqual([]);
    expect((await gcp.plugin.read(DASHBOARD, id, updated, next)).state).toEqual(updated);
  });

  it("with a zero or an empty list differs at each preview, since Monitoring omits those", async () => {
    const plain = { displayName: "d", mosaicLayout: { columns: 48, tiles: [{ width: 4, height: 4 }] } };
    const differs = async (document: object) => {
      const { state } = await gcp.plugin.create(DASHBOARD, of(document));
      return (await gcp.plugin.diff(DASHBOARD, of(document), of(document), state)).paths.length > 0;
    };
    expect(await differs(plain)).toBe(false);
    expect(await differs({ ...plain, labels: [] })).toBe(true);
    expect(await differs({ ...plain, mosaicLayout: { columns: 48, tiles: [{ xPos: 0, width: 4 }] } })).toBe(true);
  });
});

describe("functions", () => {
  it("find an instance, or say which one is not there", async () => {
    await withNetwork(gcp);
    await gcp.plugin.create(INSTANCE, vm);
    const getInstance = "gcp:compute/getInstance:getInstance";
    const found = await gcp.plugin.invoke(getInstance, { name: "vm", zone: "europe-west1-b" });
    expect(found).toMatchObject({ currentStatus: "RUNNING", tags: ["b", "a"] });
    await expect(gcp.plugin.invoke(getInstance, { name: "none", zone: "europe-west1-b" })).rejects.toThrow(
      "Instance projects/local-project/zones/europe-west1-b/instances/none not found",
    );
    await expect(gcp.plugin.invoke(getInstance, { name: "vm" })).rejects.toThrow("zone: required field is not set");
    await expect(gcp.plugin.invoke(getInstance, { nam: "vm" })).rejects.toThrow("nam is no property");
  });

  it("read guest attributes, and answer nothing where those cannot be read", async () => {
    await withNetwork(gcp);
    await gcp.plugin.create(INSTANCE, { ...vm, metadata: { "enable-guest-attributes": "TRUE" } });
    const get = "gcp:compute/getInstanceGuestAttributes:getInstanceGuestAttributes";
    const at = { name: "vm", zone: "europe-west1-b" };
    expect(await gcp.plugin.invoke(get, { ...at, queryPath: "hostkeys/" })).toEqual({});
    await expect(gcp.plugin.invoke(get, { ...at, name: "none", queryPath: "x/" })).rejects.toThrow("not found");
    await expect(gcp.plugin.invoke(get, { ...at, queryPath: "x/", variableKey: "x/y" })).rejects.toThrow("conflicts");
  });

  it("that are unknown are named", async () => {
    await expect(gcp.plugin.invoke("gcp:compute/getZones:getZones", {})).rejects.toThrow(
      "gcp:compute/getZones:getZones",
    );
  });
});

describe("the check", () => {
  it("makes names, and keeps them", async () => {
    const first = await gcp.plugin.check(NETWORK, {}, {}, "Net");
    expect(first.inputs["name"]).toMatch(/^net-[0-9a-f]{7}$/);
    expect((await gcp.plugin.check(NETWORK, {}, first.inputs, "Net")).inputs).toEqual(first.inputs);
  });

  it("refuses what neither the declarations nor the stand-in know", async () => {
    expect((await gcp.plugin.check(NETWORK, { autoCreateSubnetwork: true })).reasons).toEqual([
      "autoCreateSubnetwork is no property that @pulumi/gcp 9.37.0 knows; did you mean autoCreateSubnetworks?",
    ]);
    expect((await gcp.plugin.check(NETWORK, { networkProfile: "x" })).reasons).toEqual([
      "networkProfile: the local stand-in for the gcp provider does not translate it",
    ]);
    expect((await gcp.plugin.check(NETWORK, { name: "No" })).reasons[0]).toContain('name: "No" must match');
    const nowhere = { ...vm, zone: null };
    expect((await gcp.plugin.check(INSTANCE, nowhere)).reasons).toEqual([
      "zone: required field is not set; set it here or as gcp:zone",
    ]);
    await expect(gcp.plugin.check("gcp:sql/database:Database", {})).rejects.toThrow("gcp:sql/database:Database");
  });

  it("refuses configuration that the provider does not have", async () => {
    expect(await gcp.plugin.checkConfig({ project: "p", version: "9.37.0" })).toEqual([]);
    expect(await gcp.plugin.checkConfig({ projct: "p" })).toEqual([
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
