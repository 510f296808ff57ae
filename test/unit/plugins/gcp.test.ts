import { describe, expect, it } from "vitest";
import type { Call } from "../../../local/plugins/gcp/api";
import { instance } from "../../../local/plugins/gcp/resources/instance";
import { instanceResult } from "../../../local/plugins/gcp/invokes";
import { firewall, network, subnetwork } from "../../../local/plugins/gcp/resources/network";
import { insertBody, stateOf, updateCalls, type RestKind } from "../../../local/plugins/gcp/rest";
import { natBody } from "../../../local/plugins/gcp/resources/router-nat";
import type { Props } from "../../../local/plugins/core/value";

const zone = { project: "p", zone: "europe-west1-b" };
const region = { project: "p", region: "europe-west1" };
const plain = { settings: { labels: {} } };
const path = "projects/p/zones/europe-west1-b/instances/vm";
const vm: Props = {
  name: "vm",
  machineType: "e2-medium",
  bootDisk: { initializeParams: { image: "projects/d/global/images/i", size: 20, type: "pd-balanced" } },
  networkInterfaces: [
    { subnetwork: "https://www.googleapis.com/compute/v1/projects/p/regions/europe-west1/subnetworks/s" },
  ],
  metadata: { a: "1" },
  labels: { l: "1" },
  tags: ["t"],
  serviceAccount: { email: "e", scopes: ["s"] },
  shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
  deletionProtection: true,
  allowStoppingForUpdate: true,
};
const answer: Props = {
  name: "vm",
  id: "42",
  status: "RUNNING",
  machineType: "https://x/compute/v1/projects/p/zones/europe-west1-b/machineTypes/e2-medium",
  metadata: { fingerprint: "mf", items: [{ key: "a", value: "1" }] },
  labels: { l: "1", foreign: "x" },
  labelFingerprint: "lf",
  tags: { fingerprint: "tf", items: ["t"] },
  networkInterfaces: [
    {
      name: "nic0",
      networkIP: "10.0.0.2",
      network: "https://x/compute/v1/projects/p/global/networks/n",
      subnetwork: "https://x/compute/v1/projects/p/regions/europe-west1/subnetworks/s",
      accessConfigs: [{ natIP: "1.2.3.4", type: "ONE_TO_ONE_NAT" }],
    },
  ],
  disks: [
    { boot: false, source: "https://x/compute/v1/projects/p/zones/z/disks/data", deviceName: "d1", mode: "READ_WRITE" },
    { boot: true, source: "https://x/compute/v1/projects/p/zones/z/disks/vm", deviceName: "d0", autoDelete: true },
  ],
  serviceAccounts: [{ email: "e", scopes: ["s"] }],
};

describe("an instance", () => {
  it("is inserted in Compute's words", () => {
    expect(insertBody(instance, vm, zone, { settings: { labels: { by: "pulumi" } } })).toEqual({
      name: "vm",
      machineType: "projects/p/zones/europe-west1-b/machineTypes/e2-medium",
      networkInterfaces: [{ subnetwork: "projects/p/regions/europe-west1/subnetworks/s" }],
      disks: [
        {
          boot: true,
          type: "PERSISTENT",
          autoDelete: true,
          mode: "READ_WRITE",
          initializeParams: {
            sourceImage: "projects/d/global/images/i",
            diskSizeGb: 20,
            diskType: "projects/p/zones/europe-west1-b/diskTypes/pd-balanced",
          },
        },
      ],
      metadata: { items: [{ key: "a", value: "1" }] },
      labels: { by: "pulumi", l: "1" },
      tags: { items: ["t"] },
      serviceAccounts: [{ email: "e", scopes: ["s"] }],
      shieldedInstanceConfig: { enableSecureBoot: false, enableVtpm: true, enableIntegrityMonitoring: true },
      deletionProtection: true,
    });
  });

  it("gets its start-up script from one place only", () => {
    const body = insertBody(instance, { ...vm, metadataStartupScript: "s" }, zone, plain);
    expect(body["metadata"]).toEqual({
      items: [
        { key: "a", value: "1" },
        { key: "startup-script", value: "s" },
      ],
    });
    const both = { ...vm, metadataStartupScript: "s", metadata: { "startup-script": "t" } };
    expect(() => insertBody(instance, both, zone, plain)).toThrow("Cannot provide both");
  });

  it("has the official provider's outputs", () => {
    expect(stateOf(instance, path, answer, vm, plain)).toMatchObject({
      id: path,
      project: "p",
      zone: "europe-west1-b",
      instanceId: "42",
      currentStatus: "RUNNING",
      machineType: "e2-medium",
      metadata: { a: "1" },
      metadataFingerprint: "mf",
      labels: { l: "1" },
      pulumiLabels: { l: "1" },
      effectiveLabels: { l: "1", foreign: "x" },
      labelFingerprint: "lf",
      tagsFingerprint: "tf",
      networkInterfaces: [{ networkIp: "10.0.0.2", subnetworkProject: "p", accessConfigs: [{ natIp: "1.2.3.4" }] }],
      bootDisk: { deviceName: "d0", initializeParams: { size: 20 } },
      attachedDisks: [{ deviceName: "d1", mode: "READ_WRITE" }],
    });
  });

  it("is found by the data source with lists where the resource has one", () => {
    const found = instanceResult(path, answer, plain);
    expect(found).toMatchObject({
      currentStatus: "RUNNING",
      bootDisks: [{ deviceName: "d0" }],
      serviceAccounts: [{ email: "e" }],
    });
    expect(found).not.toHaveProperty("bootDisk");
  });

  const calls = (news: Props, current: Props = answer) =>
    updateCalls(instance, change(instance, vm, { ...vm, ...news }, current), plain);

  it("changes in place with fingerprints, that of labels as it was read last, and keeps the labels of others", () => {
    expect(calls({ metadata: { a: "2" }, labels: { m: "1" }, tags: [], deletionProtection: false })).toEqual([
      { method: "POST", path: `${path}/setLabels`, body: { labels: { foreign: "x", m: "1" }, labelFingerprint: "rl" } },
      { method: "POST", path: `${path}/setMetadata`, body: { items: [{ key: "a", value: "2" }], fingerprint: "mf" } },
      { method: "POST", path: `${path}/setTags`, body: { items: [], fingerprint: "tf" } },
      { method: "POST", path: `${path}/setDeletionProtection`, query: { deletionProtection: "false" } },
    ]);
  });

  it("is stopped and started for another machine type, if that is allowed", () => {
    const names = (list: Call[]) => list.map((call) => call.path.replace(`${path}/`, ""));
    const machineType = "e2-small";
    expect(names(calls({ machineType }))).toEqual(["stop", "setMachineType", "start"]);
    expect(names(calls({ machineType }, { ...answer, status: "TERMINATED" }))).toEqual(["setMachineType"]);
    expect(names(calls({ machineType, desiredStatus: "TERMINATED" }))).toEqual(["stop", "setMachineType"]);
    expect(() => calls({ machineType, allowStoppingForUpdate: false })).toThrow("allowStoppingForUpdate = true");
  });

  it("is stopped and started by desiredStatus", () => {
    expect(calls({ desiredStatus: "TERMINATED" })).toEqual([{ method: "POST", path: `${path}/stop` }]);
    expect(calls({ desiredStatus: "RUNNING" })).toEqual([]);
  });

  it("detaches and attaches disks by their source", () => {
    const data = { source: "projects/p/zones/z/disks/data" };
    const more = { source: "more", deviceName: "m" };
    const list = updateCalls(
      instance,
      change(instance, { ...vm, attachedDisks: [data] }, { ...vm, attachedDisks: [more] }, answer),
      plain,
    );
    expect(list).toEqual([
      { method: "POST", path: `${path}/detachDisk`, query: { deviceName: "d1" } },
      {
        method: "POST",
        path: `${path}/attachDisk`,
        body: {
          type: "PERSISTENT",
          source: "projects/p/zones/europe-west1-b/disks/more",
          deviceName: "m",
          mode: "READ_WRITE",
        },
      },
    ]);
  });

  it("grows its boot disk once", () => {
    const grown = {
      bootDisk: { initializeParams: { image: "projects/d/global/images/i", size: 30, type: "pd-balanced" } },
    };
    const resized = (diskSizeGb: string) => {
      const source = "projects/p/zones/z/disks/vm";
      const current = { ...answer, disks: [{ boot: true, source, diskSizeGb }] };
      const rules = (rule: string) => rule === "bootDisk.initializeParams.size";
      return updateCalls(instance, { ...change(instance, vm, { ...vm, ...grown }, current), changed: rules }, plain);
    };
    expect(resized("20")).toEqual([
      { method: "POST", path: "projects/p/zones/z/disks/vm/resize", body: { sizeGb: 30 } },
    ]);
    expect(resized("30")).toEqual([]);
  });

  it("says what it cannot change in place", () => {
    expect(() => calls({ description: "x" })).toThrow("description: the local stand-in");
  });
});

describe("networks", () => {
  it("are inserted in Compute's words", () => {
    expect(
      insertBody(network, { name: "n", autoCreateSubnetworks: false, routingMode: "GLOBAL" }, { project: "p" }, plain),
    ).toEqual({
      name: "n",
      autoCreateSubnetworks: false,
      routingConfig: { routingMode: "GLOBAL" },
      networkFirewallPolicyEnforcementOrder: "AFTER_CLASSIC_FIREWALL",
    });
    const allows = [{ protocol: "tcp", ports: ["22"] }];
    expect(
      insertBody(firewall, { name: "f", network: "n", allows, logConfig: { metadata: "m" } }, { project: "p" }, plain),
    ).toEqual({
      name: "f",
      network: "projects/p/global/networks/n",
      allowed: [{ IPProtocol: "tcp", ports: ["22"] }],
      priority: 1000,
      logConfig: { enable: true, metadata: "m" },
    });
  });

  it("have NAT with the subnetworks as links", () => {
    const nat = natBody(
      {
        name: "nat",
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
        subnetworks: [{ name: "s", sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
      },
      region,
    );
    expect(nat).toMatchObject({
      name: "nat",
      subnetworks: [{ name: "projects/p/regions/europe-west1/subnetworks/s", sourceIpRangesToNat: ["ALL_IP_RANGES"] }],
    });
  });

  it("change by the calls that the official provider uses", () => {
    const at = "projects/p/regions/europe-west1/subnetworks/s";
    const olds = { name: "s", network: "n", ipCidrRange: "10.0.0.0/24", privateIpGoogleAccess: true };
    const news = { ...olds, ipCidrRange: "10.0.0.0/23", privateIpGoogleAccess: false, logConfig: { metadata: "m" } };
    expect(
      updateCalls(
        subnetwork,
        { ...change(subnetwork, olds, news, { fingerprint: "f" }), path: at, scope: region },
        plain,
      ),
    ).toEqual([
      { method: "POST", path: `${at}/expandIpCidrRange`, body: { ipCidrRange: "10.0.0.0/23" } },
      { method: "POST", path: `${at}/setPrivateIpGoogleAccess`, body: { privateIpGoogleAccess: false } },
      { method: "PATCH", path: at, body: { logConfig: { enable: true, metadata: "m" }, fingerprint: "f" } },
    ]);
  });

  it("empty by a PATCH what the program no longer says", () => {
    const at = "projects/p/global/firewalls/f";
    const olds = { name: "f", network: "n", targetTags: ["a"], sourceRanges: ["10.0.0.0/8"] };
    const news = { name: "f", network: "n", sourceRanges: ["10.0.0.0/9"] };
    expect(
      updateCalls(firewall, { ...change(firewall, olds, news, {}), path: at, scope: { project: "p" } }, plain),
    ).toEqual([{ method: "PATCH", path: at, body: { targetTags: null, sourceRanges: ["10.0.0.0/9"] } }]);
  });
});

/** A change with every top-level property that differs. */
function change(kind: RestKind, olds: Props, inputs: Props, current: Props): Parameters<typeof updateCalls>[1] {
  const differs = (name: string) => JSON.stringify(olds[name]) !== JSON.stringify(inputs[name]);
  return {
    olds,
    state: { ...olds, labelFingerprint: "rl" },
    inputs,
    current,
    path,
    scope: zone,
    changed: (rule) => (kind === instance && rule.includes(".") ? false : differs(rule)),
  };
}
