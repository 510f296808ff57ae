/** What the official clients' requests do beyond their answers, which `replay.test.ts` checks. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { done, makeInstance, makeNetwork, project, region, serve, type Served, zone } from "./client";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

async function ask(
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(new URL(path, served.url), {
    method,
    headers: { authorization: "Bearer x", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const instance = `/compute/v1/projects/${project}/zones/${zone}/instances/vm`;

async function withInstance(): Promise<void> {
  await makeNetwork(served);
  await makeInstance(served, "vm");
}

describe("IAM policies", () => {
  it("of an instance are Compute's own, and without an etag they are overwritten", async () => {
    await withInstance();
    const bindings = [{ role: "roles/compute.osLogin", members: ["group:devs@example.com"] }];
    expect((await ask("POST", `${instance}/setIamPolicy`, { policy: { bindings } })).body).toMatchObject({ bindings });
    const read = await ask("GET", `${instance}/getIamPolicy?optionsRequestedPolicyVersion=3`);
    expect(read.body).toMatchObject({ bindings, etag: expect.any(String) as string });
    expect((await ask("POST", `${instance}/setIamPolicy`, { policy: { bindings: [], etag: "stale" } })).status).toBe(
      409,
    );
    expect((await ask("POST", `${instance}/setIamPolicy`, { policy: { version: 1 } })).status).toBe(200);
    expect((await ask("GET", `${instance}/getIamPolicy`)).body["bindings"]).toEqual([]);
    expect((await ask("GET", instance.replace("/vm", "/nobody") + "/getIamPolicy")).status).toBe(404);
  });
});

describe("Secret Manager", () => {
  it("knows secrets by the project's number, and versions that are switched on and off", async () => {
    const { number } = served.cloud.store.state.project;
    const at = `/secretmanager/v1/projects/${number}/secrets/key`;
    await ask("POST", `/secretmanager/v1/projects/${project}/secrets?secretId=key`, { replication: { automatic: {} } });
    await ask("POST", `${at}:addVersion`, { payload: { data: "c2VjcmV0" } });
    expect((await ask("POST", `${at}/versions/1:disable`)).body["state"]).toBe("DISABLED");
    expect((await ask("GET", `${at}/versions/1:access`)).status).toBe(400);
    expect((await ask("POST", `${at}/versions/1:enable`)).body["state"]).toBe("ENABLED");
    expect((await ask("GET", `${at}/versions/1`)).body).toMatchObject({
      name: `projects/${number}/secrets/key/versions/1`,
    });
    await ask("POST", `${at}/versions/1:destroy`);
    expect((await ask("POST", `${at}/versions/1:enable`)).status).toBe(400);
  });
});

describe("the project", () => {
  it("is found by a filter, has a billing account, and is forbidden where it is another", async () => {
    const projects = "/cloudresourcemanager/v1/projects";
    const number = served.cloud.store.state.project.number;
    expect((await ask("GET", `${projects}?filter=id%3A${project}`)).body).toMatchObject({
      projects: [{ projectId: project, projectNumber: number }],
    });
    expect((await ask("GET", `${projects}?filter=id%3Aother-one`)).body).toEqual({ projects: [] });
    expect((await ask("GET", `${projects}/other-one`)).status).toBe(403);
    expect((await ask("GET", `/cloudbilling/v1/projects/${project}/billingInfo`)).body["billingEnabled"]).toBe(true);
  });
});

describe("gcloud", () => {
  it("writes booleans with a capital", async () => {
    await withInstance();
    await ask("POST", `${instance}/setDeletionProtection?deletionProtection=True`);
    expect(served.cloud.store.instance("vm")?.deletionProtection).toBe(true);
    await ask("POST", `${instance}/setDeletionProtection?deletionProtection=False`);
    expect(served.cloud.store.instance("vm")?.deletionProtection).toBe(false);
  });

  it("reads and fills a user's profile of OS Login before it connects", async () => {
    const user = "/oslogin/v1/users/alice@example.com";
    expect((await ask("GET", `${user}/loginProfile`)).body).toMatchObject({
      posixAccounts: [{ username: "alice_example_com", primary: true }],
    });
    const { body } = await ask("POST", `${user}:importSshPublicKey`, { key: "ssh-ed25519 AAAA" });
    expect(Object.values((body["loginProfile"] as { sshPublicKeys: object }).sshPublicKeys)).toMatchObject([
      { key: "ssh-ed25519 AAAA" },
    ]);
  });
});

it("two networks may have the same range, and one may not have a range twice", async () => {
  await makeNetwork(served);
  await done(
    served.api,
    served.api.networks.insert({ project, requestBody: { name: "other", autoCreateSubnetworks: false } }),
  );
  const subnet = (name: string, network: string) =>
    served.api.subnetworks.insert({
      project,
      region,
      requestBody: { name, network: `global/networks/${network}`, ipCidrRange: "10.0.0.0/24" },
    });
  await done(served.api, subnet("second", "other"));
  await expect(subnet("third", "other")).rejects.toThrow("conflicts with existing subnetwork 'second'");
});
