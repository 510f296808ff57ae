import { afterEach, beforeEach, expect, test } from "vitest";
import { done, makeInstance, makeNetwork, project, refusal, region, serve, zone, type Served } from "./client";

let served: Served;
beforeEach(async () => {
  served = await serve();
  await makeNetwork(served);
});
afterEach(() => served.close());

test("a schedule is attached, keeps its policy, and is taken off", async () => {
  const { api } = served;
  await makeInstance(served, "vm");
  const policy = `projects/${project}/regions/${region}/resourcePolicies/nights`;
  const attach = () =>
    api.instances.addResourcePolicies({ project, zone, instance: "vm", requestBody: { resourcePolicies: [policy] } });
  expect((await refusal(attach())).message).toContain("resource policy resource cannot be found");
  await done(api, api.resourcePolicies.insert({ project, region, requestBody: { name: "nights" } }));
  await done(api, attach());
  const refused = await refusal(api.resourcePolicies.delete({ project, region, resourcePolicy: "nights" }));
  expect(refused.reason).toBe("resourceInUseByAnotherResource");
  const requestBody = { resourcePolicies: [policy] };
  await done(api, api.instances.removeResourcePolicies({ project, zone, instance: "vm", requestBody }));
  await done(api, api.resourcePolicies.delete({ project, region, resourcePolicy: "nights" }));
});

test("an instance takes one schedule", async () => {
  const { api } = served;
  await makeInstance(served, "vm");
  const attach = (name: string) => {
    const policy = `projects/${project}/regions/${region}/resourcePolicies/${name}`;
    const requestBody = { resourcePolicies: [policy] };
    return api.instances.addResourcePolicies({ project, zone, instance: "vm", requestBody });
  };
  const instanceSchedulePolicy = { vmStopSchedule: { schedule: "0 20 * * *" }, timeZone: "UTC" };
  for (const name of ["nights", "weekends"])
    await done(api, api.resourcePolicies.insert({ project, region, requestBody: { name, instanceSchedulePolicy } }));
  await done(api, attach("nights"));
  await done(api, attach("nights"));
  expect((await refusal(attach("weekends"))).message).toContain("can have one instance schedule policy");
});

test("a disk grows and never shrinks", async () => {
  const { api } = served;
  await done(api, api.disks.insert({ project, zone, requestBody: { name: "home", sizeGb: "20" } }));
  await done(api, api.disks.resize({ project, zone, disk: "home", requestBody: { sizeGb: "30" } }));
  expect((await api.disks.get({ project, zone, disk: "home" })).data.sizeGb).toBe("30");
  expect((await refusal(api.disks.resize({ project, zone, disk: "home", requestBody: { sizeGb: "30" } }))).status).toBe(
    400,
  );
});

test("a disk of a stopped or running instance is its own alone", async () => {
  const { api } = served;
  await done(api, api.disks.insert({ project, zone, requestBody: { name: "home" } }));
  await Promise.all(["a", "b"].map((name) => makeInstance(served, name)));
  const requestBody = { source: `zones/${zone}/disks/home`, deviceName: "home" };
  await done(api, api.instances.attachDisk({ project, zone, instance: "a", requestBody }));
  const second = api.instances.attachDisk({ project, zone, instance: "b", requestBody });
  expect((await refusal(second)).reason).toBe("resourceInUseByAnotherResource");
  await done(api, api.instances.detachDisk({ project, zone, instance: "a", deviceName: "home" }));
  await done(api, api.instances.attachDisk({ project, zone, instance: "b", requestBody }));
});

test("a subnetwork grows where it is, and its gateway with it", async () => {
  const { api } = served;
  const expand = (ipCidrRange: string) =>
    api.subnetworks.expandIpCidrRange({ project, region, subnetwork: "subnet", requestBody: { ipCidrRange } });
  expect((await refusal(expand("10.1.0.0/20"))).status).toBe(400);
  await done(api, expand("10.0.0.0/20"));
  expect(served.cloud.gateways).toContain("10.0.0.1/20");
  expect((await api.subnetworks.get({ project, region, subnetwork: "subnet" })).data.ipCidrRange).toBe("10.0.0.0/20");
});

test("a PATCH with a stale fingerprint is refused, and one with the present one changes it", async () => {
  const { api } = served;
  const { data } = await api.subnetworks.get({ project, region, subnetwork: "subnet" });
  const patch = (enableFlowLogs: boolean) =>
    api.subnetworks.patch({
      project,
      region,
      subnetwork: "subnet",
      requestBody: { fingerprint: data.fingerprint ?? "", enableFlowLogs },
    });
  await done(api, patch(true));
  expect((await refusal(patch(false))).status).toBe(412);
  expect((await api.subnetworks.get({ project, region, subnetwork: "subnet" })).data.enableFlowLogs).toBe(true);
});
