/** Resources that Google serves from other hosts than Compute's, through the plugin and the local API. */
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiServer } from "../../../local/api/server";
import { memoryCloud, type MemoryCloud } from "../local/local-machines";
import { Plugin, type Json } from "./client";

let plugin: Plugin;
let cloud: MemoryCloud;
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => void apiServer(cloud).emit("request", request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  plugin = await Plugin.start("gcp", {
    NIXOS_FLEET_COMPUTE_ENDPOINT: `http://127.0.0.1:${port}/compute/v1/`,
    GOOGLE_OAUTH_ACCESS_TOKEN: "local",
  });
  await plugin.configure({ project: "local-project", region: "europe-west1" });
});
afterAll(async () => {
  await plugin.stop();
  server.close();
});
beforeEach(() => {
  cloud = memoryCloud();
});

const SECRET = "gcp:secretmanager/secret:Secret";
const VERSION = "gcp:secretmanager/secretVersion:SecretVersion";
const ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole";
const SERVICE = "gcp:projects/service:Service";
const MEMBER = "gcp:secretmanager/secretIamMember:SecretIamMember";

describe("a secret", () => {
  const inputs: Json = { secretId: "key", replication: { auto: {} }, labels: { fleet: "devs" } };

  it("has versions; a new one is the latest, and one that goes takes its text along", async () => {
    const { id } = await plugin.create(SECRET, inputs);
    expect(id).toBe("projects/local-project/secrets/key");
    const first = await plugin.create(VERSION, { secret: id, secretData: "one" });
    const second = await plugin.create(VERSION, { secret: id, secretData: "two" });
    expect(second.state).toMatchObject({ version: "2", secretData: "two" });
    await plugin.delete(VERSION, first.id, first.state);
    expect(cloud.store.state.secrets?.["key"]).toMatchObject({
      labels: { fleet: "devs", "goog-pulumi-provisioned": "true" },
      versions: [
        { state: "DESTROYED", data: "" },
        { state: "ENABLED", data: Buffer.from("two").toString("base64") },
      ],
    });
  });

  it("goes with who may read it", async () => {
    const { id, state } = await plugin.create(SECRET, inputs);
    const member = { secretId: id, role: "roles/secretmanager.secretAccessor", member: "user:a@example.com" };
    await plugin.create(MEMBER, member);
    expect(Object.keys(cloud.store.state.iam?.policies ?? {})).toEqual([id]);
    await plugin.delete(SECRET, id, state);
    expect(cloud.store.state).toMatchObject({ secrets: {}, iam: { policies: {} } });
  });
});

describe("a member under a condition", () => {
  it("is another one than without", async () => {
    const { id } = await plugin.create(SECRET, { secretId: "key", replication: { auto: {} } });
    const plain = { secretId: id, role: "roles/secretmanager.secretAccessor", member: "user:a@example.com" };
    const condition = { title: "office", expression: "request.time.getHours() > 8" };
    await plugin.create(MEMBER, plain);
    const made = await plugin.create(MEMBER, { ...plain, condition });
    expect(made.id).toMatch(/\/user:a@example\.com\/office$/);
    await plugin.delete(MEMBER, made.id, made.state);
    expect(cloud.store.state.iam?.policies[id]).toEqual([{ role: plain.role, members: [plain.member] }]);
  });
});

describe("a custom role", () => {
  const inputs: Json = { roleId: "power", title: "Power", permissions: ["compute.instances.start"] };

  it("that was deleted is had back", async () => {
    const { id, state } = await plugin.create(ROLE, inputs);
    await plugin.delete(ROLE, id, state);
    expect(cloud.store.state.iam?.roles?.[id]).toHaveProperty("deletedAt");
    await plugin.create(ROLE, { ...inputs, permissions: ["compute.instances.stop"] });
    expect(cloud.store.state.iam?.roles?.[id]).toMatchObject({ includedPermissions: ["compute.instances.stop"] });
    expect(cloud.store.state.iam?.roles?.[id]).not.toHaveProperty("deletedAt");
  });

  it("that was deleted more than a week ago is gone, and its id is refused for 30 more days", async () => {
    const { id, state } = await plugin.create(ROLE, inputs);
    await plugin.delete(ROLE, id, state);
    const deletedDaysAgo = (days: number) => {
      const role = cloud.store.state.iam?.roles?.[id];
      if (role) role.deletedAt = new Date(Date.now() - days * 86_400_000).toISOString();
    };
    for (const days of [8, 36]) {
      deletedDaysAgo(days);
      await expect(plugin.create(ROLE, inputs)).rejects.toThrow(
        "You can't create a role_id (power) which has been marked for deletion., failedPrecondition",
      );
    }
    deletedDaysAgo(38);
    expect((await plugin.create(ROLE, inputs)).id).toBe(id);
  });
});

describe("an API", () => {
  it("stays on when its resource goes, unless an option says otherwise", async () => {
    const stays = await plugin.create(SERVICE, { service: "iap.googleapis.com", disableOnDestroy: false });
    await plugin.delete(SERVICE, stays.id, stays.state);
    expect(cloud.store.state.services).toEqual(["iap.googleapis.com"]);
  });
});
