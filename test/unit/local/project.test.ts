import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { done, makeInstance, makeNetwork, project, refusal, region, serve, zone, type Served } from "./client";
import { patience } from "../../setup/pace";
import { memoryCloud } from "./local-machines";

let served: Served;

beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const authorized = { headers: { authorization: "Bearer x" } };

describe("every request", () => {
  test("needs a bearer token", async () => {
    const answer = await fetch(served.url);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: 401, errors: [{ reason: "required" }] } });
  });

  test("is served for v1 and beta alike", async () => {
    const beta = await fetch(served.url.replace("/v1/", "/beta/"), authorized);
    expect(await beta.json()).toMatchObject({ kind: "compute#project", name: project });
  });

  test("in another project is refused", async () => {
    expect((await refusal(served.api.projects.get({ project: "other" }))).message).toBe(
      "The resource 'projects/other' was not found",
    );
  });

  test.each(["no json", "[1]"])("with the body %s is refused", async (body) => {
    const answer = await fetch(`${served.url}/global/networks`, { method: "POST", body, ...authorized });
    expect(answer.status).toBe(400);
  });

  test("for what is not served says so", async () => {
    const answer = await fetch(`${served.url}/global/targetPools`, authorized);
    expect(answer.status).toBe(404);
    expect(JSON.stringify(await answer.json())).toContain("does not serve GET");
  });

  test("may ask for some fields only", async () => {
    const { data } = await served.api.projects.get({ project, fields: "name,commonInstanceMetadata(kind)" });
    expect(data).toEqual({ name: project, commonInstanceMetadata: { kind: "compute#metadata" } });
  });
});

describe("project metadata", () => {
  const read = async () => (await served.api.projects.get({ project })).data.commonInstanceMetadata ?? {};
  const write = (fingerprint: string | null | undefined, value: string) =>
    served.api.projects.setCommonInstanceMetadata({
      project,
      requestBody: { fingerprint: fingerprint ?? null, items: [{ key: "k", value }] },
    });

  test("of two writers that read the same, one is refused", async () => {
    await done(served.api, write((await read()).fingerprint, "1"));
    const { fingerprint } = await read();
    const results = await Promise.allSettled([write(fingerprint, "2"), write(fingerprint, "3")]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await refusal(write(undefined, "4"))).toMatchObject({ status: 412, reason: "conditionNotMet" });
  });

  test("survives the daemon: it is saved before the answer", async () => {
    await write((await read()).fingerprint, "kept");
    expect(served.cloud.saved()?.project.metadata.items).toEqual([{ key: "k", value: "kept" }]);
  });
});

describe("operations", () => {
  test("are under way at first and done later, and then the resource can be seen", async () => {
    served.close();
    served = await serve(memoryCloud(undefined, patience(1)));
    const { data } = await served.api.networks.insert({ project, requestBody: { name: "vpc" } });
    expect(data).toMatchObject({ status: "RUNNING", operationType: "insert", progress: 0 });
    expect((await refusal(served.api.networks.get({ project, network: "vpc" }))).status).toBe(404);
    expect((await refusal(served.api.networks.insert({ project, requestBody: { name: "vpc" } }))).status).toBe(409);
    const waited = await served.api.globalOperations.wait({ project, operation: data.name ?? "" });
    expect(waited.data).toMatchObject({ status: "DONE", progress: 100 });
    await served.api.networks.get({ project, network: "vpc" });
  });

  test("that no one began are not found", async () => {
    const wrong = served.api.zoneOperations.get({ project, zone, operation: "operation-1" });
    expect((await refusal(wrong)).reason).toBe("notFound");
  });
});

describe("networks", () => {
  beforeEach(() => makeNetwork(served));

  test("a subnetwork has a gateway, on the bridge too, until it goes", async () => {
    const { data } = await served.api.subnetworks.get({ project, region, subnetwork: "subnet" });
    expect(data.gatewayAddress).toBe("10.0.0.1");
    expect([...served.cloud.gateways]).toEqual(["10.0.0.1/24"]);
    await done(served.api, served.api.subnetworks.delete({ project, region, subnetwork: "subnet" }));
    expect(served.cloud.gateways.size).toBe(0);
  });

  test("what is used stays", async () => {
    const refused = await refusal(served.api.networks.delete({ project, network: "vpc" }));
    expect(refused).toEqual({
      status: 400,
      reason: "resourceInUseByAnotherResource",
      message:
        "The network resource 'projects/local-project/global/networks/vpc' is already being used by 'projects/local-project/regions/europe-west1/subnetworks/subnet'",
    });
    await makeInstance(served, "vm");
    const subnetwork = await refusal(served.api.subnetworks.delete({ project, region, subnetwork: "subnet" }));
    expect(subnetwork.message).toMatch(/used by .*instances\/vm'$/);
  });

  test("ranges that overlap are refused", async () => {
    const requestBody = { name: "other", network: "global/networks/vpc", ipCidrRange: "10.0.0.128/25" };
    const refused = await refusal(served.api.subnetworks.insert({ project, region, requestBody }));
    expect(refused.message).toBe(
      "Invalid IPCidrRange: 10.0.0.128/25 conflicts with existing subnetwork 'subnet' in region 'europe-west1'.",
    );
  });

  test("NAT is a change of the router, and keeps its subnetwork", async () => {
    const { api } = served;
    const network = "global/networks/vpc";
    await done(api, api.routers.insert({ project, region, requestBody: { name: "router", network } }));
    const name = `projects/${project}/regions/${region}/subnetworks/subnet`;
    const nats = [{ name: "nat", subnetworks: [{ name, sourceIpRangesToNat: ["ALL_IP_RANGES"] }] }];
    await done(api, api.routers.patch({ project, region, router: "router", requestBody: { nats } }));
    expect((await api.routers.get({ project, region, router: "router" })).data.nats).toEqual(nats);
    const refused = await refusal(api.subnetworks.delete({ project, region, subnetwork: "subnet" }));
    expect(refused.message).toMatch(/used by .*routers\/router'$/);
  });

  test("a firewall keeps what it was given, changes, and goes", async () => {
    const { api } = served;
    const requestBody = {
      name: "ssh",
      network: "global/networks/vpc",
      sourceRanges: ["35.235.240.0/20"],
      allowed: [{ IPProtocol: "tcp", ports: ["22"] }],
    };
    await done(api, api.firewalls.insert({ project, requestBody }));
    await done(api, api.firewalls.patch({ project, firewall: "ssh", requestBody: { sourceRanges: ["10.0.0.0/8"] } }));
    const { data } = await api.firewalls.get({ project, firewall: "ssh" });
    expect(data).toMatchObject({ priority: 1000, direction: "INGRESS", sourceRanges: ["10.0.0.0/8"], allowed: [{}] });
    await done(api, api.firewalls.delete({ project, firewall: "ssh" }));
    expect((await refusal(api.firewalls.get({ project, firewall: "ssh" }))).status).toBe(404);
  });
});

test("an unknown zone or region is named", async () => {
  expect((await refusal(served.api.instances.list({ project, zone: "europe-west1-z" }))).message).toBe(
    "Invalid value for field 'zone': 'europe-west1-z'. Unknown zone.",
  );
  expect((await refusal(served.api.subnetworks.list({ project, region: "moon" }))).message).toContain("Unknown region");
});

test("what the cloud offers", async () => {
  const { api } = served;
  expect((await api.images.getFromFamily({ project: "debian-cloud", family: "debian-13" })).data.status).toBe("READY");
  expect((await api.images.getFromFamily({ project, family: "nixos-fleet" })).data.selfLink).toMatch(/local-project/);
  const missing = await refusal(api.images.getFromFamily({ project: "debian-cloud", family: "debian-2" }));
  expect(missing.message).toBe("The resource 'projects/debian-cloud/global/images/family/debian-2' was not found");
  expect((await api.machineTypes.get({ project, zone, machineType: "e2-medium" })).data.memoryMb).toBe(4096);
  expect((await refusal(api.machineTypes.get({ project, zone, machineType: "huge" }))).status).toBe(404);
  expect((await api.regions.get({ project, region })).data.zones).toHaveLength(3);
  expect((await api.zones.list({ project, filter: "name:europe-west1-*" })).data.items).toHaveLength(3);
});

describe("lists of instances", () => {
  beforeEach(async () => {
    await makeNetwork(served);
    for (const name of ["a", "b", "c"]) {
      await makeInstance(served, name, { labels: { "nixos-fleet": name === "c" ? "other" : "devs" } });
    }
  });

  test("all zones at once, filtered, those without any with a warning", async () => {
    const { data } = await served.api.instances.aggregatedList({ project, filter: "labels.nixos-fleet=devs" });
    expect(data.items?.[`zones/${zone}`]?.instances?.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(data.items?.["zones/us-east1-b"]?.warning?.code).toBe("NO_RESULTS_ON_PAGE");
  });

  test("page by page, each once", async () => {
    const names: (string | null | undefined)[] = [];
    let pageToken: string | null | undefined;
    do {
      const { data } = await served.api.instances.list({
        project,
        zone,
        maxResults: 2,
        ...(pageToken ? { pageToken } : {}),
      });
      names.push(...(data.items ?? []).map(({ name }) => name));
      pageToken = data.nextPageToken;
    } while (pageToken);
    expect(names).toEqual(["a", "b", "c"]);
  });

  test("a filter that is none is refused", async () => {
    expect((await refusal(served.api.instances.list({ project, zone, filter: "labels.a=" }))).status).toBe(400);
  });
});
