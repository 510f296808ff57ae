import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { metadataOf } from "../../../local/api/compute/limits";
import { metadataServer } from "../../../local/metadata/server";
import { makeInstance, makeNetwork, serve, zone, type Served } from "./client";

let served: Served;
let server: Server;
let base: string;

beforeEach(async () => {
  served = await serve();
  await makeNetwork(served);
  await makeInstance(served, "vm", {
    metadata: {
      items: [
        { key: "startup-script", value: "#!/bin/sh\n" },
        { key: "enable-guest-attributes", value: "TRUE" },
      ],
    },
    tags: { items: ["web"] },
    serviceAccounts: [{ email: "vm@p.iam", scopes: ["https://www.googleapis.com/auth/cloud-platform"] }],
  });
  const { store } = served.cloud;
  server = metadataServer(store, (request) => store.instance(String(request.headers["x-vm"] ?? "vm")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/computeMetadata/v1/`;
});
afterEach(() => {
  vi.restoreAllMocks();
  served.close();
  server.closeAllConnections();
  server.close();
});

const flavor = { "metadata-flavor": "Google" };
const ask = (
  path: string,
  { headers, ...init }: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {},
) => fetch(base + path, { redirect: "manual", ...init, headers: { ...flavor, ...headers } });
const text = async (path: string) => (await ask(path)).text();

function setProject(key: string, value: string): void {
  const { project } = served.cloud.store.state;
  const others = (project.metadata.items ?? []).filter((item) => item.key !== key);
  project.metadata = metadataOf([...others, { key, value }]);
  served.cloud.store.changed();
}

describe("content", () => {
  test.each([
    ["instance/name", "vm"],
    ["instance/hostname", "vm.europe-west1-b.c.local-project.internal"],
    ["instance/zone", "projects/100000000001/zones/europe-west1-b"],
    ["instance/attributes/startup-script", "#!/bin/sh\n"],
    ["instance/attributes/", "startup-script\nenable-guest-attributes\n"],
    ["instance/network-interfaces/", "0/\n"],
    ["instance/network-interfaces/0/ip", "10.0.0.2"],
    ["instance/network-interfaces/0/gateway", "10.0.0.1"],
    ["instance/network-interfaces/0/mac", "42:01:0a:00:00:02"],
    ["instance/tags", "web\n"],
    ["instance/tags?alt=json", '["web"]'],
    ["instance/service-accounts/", "default/\nvm@p.iam/\n"],
    ["instance/service-accounts/default/", "aliases\nemail\nscopes\ntoken\n"],
    ["instance/service-accounts/default/email", "vm@p.iam"],
    ["project/project-id", "local-project"],
    ["project/numeric-project-id", "100000000001"],
    ["project/attributes/", ""],
    ["project/attributes/?recursive=true", "{}"],
    ["project/?recursive=true", '{"attributes":{},"numericProjectId":100000000001,"projectId":"local-project"}'],
    ["project/?recursive=true&alt=text", "numeric-project-id 100000000001\nproject-id local-project\n"],
    ["", "instance/\nproject/\nuniverse/\n"],
  ])("%s", async (path, expected) => expect(await text(path)).toBe(expected));

  test("recursive answers are JSON in Google's spelling, without tokens", async () => {
    const answer = await ask("?recursive=true");
    expect(answer.headers.get("content-type")).toBe("application/json");
    const all = (await answer.json()) as { instance: Record<string, unknown> };
    expect(all.instance).toMatchObject({
      attributes: { "startup-script": "#!/bin/sh\n" },
      networkInterfaces: [{ ip: "10.0.0.2", dnsServers: ["169.254.169.254"], subnetmask: "255.255.255.0" }],
      serviceAccounts: { default: { email: "vm@p.iam", aliases: ["default"] } },
    });
    expect(JSON.stringify(all)).not.toContain("ya29");
  });

  test("a token is JSON and has its time", async () => {
    const token = (await (await ask("instance/service-accounts/default/token")).json()) as Record<string, unknown>;
    expect(token).toMatchObject({ token_type: "Bearer", access_token: expect.stringMatching(/^ya29\./) as string });
    expect(token["expires_in"]).toBeGreaterThan(0);
    expect(token["expires_in"]).toBeLessThanOrEqual(3600);
  });

  test("what is missing is a page that says so, and it is the metadata server's", async () => {
    const answer = await ask("instance/attributes/none");
    expect(answer.status).toBe(404);
    expect(answer.headers.get("metadata-flavor")).toBe("Google");
    expect(await answer.text()).toContain("Error 404 (Not Found)!!1");
    expect((await ask("instance/name/")).status).toBe(404);
  });

  test("a directory wants its slash", async () => {
    const answer = await ask("project/attributes?recursive=true");
    expect(answer.status).toBe(301);
    expect(answer.headers.get("location")).toBe("/computeMetadata/v1/project/attributes/?recursive=true");
  });

  test("without the header, or through a proxy, nothing is answered", async () => {
    expect((await fetch(`${base}instance/name`)).status).toBe(403);
    expect((await ask("instance/name", { headers: { "x-forwarded-for": "1.2.3.4" } })).status).toBe(403);
  });

  test("a caller that is no VM sees nothing", async () => {
    expect((await ask("project/project-id", { headers: { "x-vm": "nobody" } })).status).toBe(404);
  });
});

describe("waiting for a change", () => {
  const watch = "project/attributes/?recursive=true&wait_for_change=true";
  const etagOf = async (path: string) => (await ask(path)).headers.get("etag") ?? "";
  const watchers = () => (served.cloud.store as unknown as { listeners: Set<unknown> }).listeners.size;
  /** Asks, and goes on once the server waits for a change. */
  const begin = async (path: string, init = {}) => {
    const before = watchers();
    const answer = ask(path, init);
    answer.catch(() => undefined);
    await vi.waitUntil(() => watchers() > before, { timeout: 30_000, interval: 5 });
    return { answer };
  };

  test("answers at once where the last ETag is another's", async () => {
    const answer = await ask(`${watch}&last_etag=NONE`);
    expect(answer.headers.get("etag")).toBe(await etagOf("project/attributes/?recursive=true"));
  });

  test("misses nothing that happened before it was asked", async () => {
    const etag = await etagOf("project/attributes/?recursive=true");
    setProject("a", "1");
    expect(await text(`${watch}&last_etag=${etag}`)).toBe('{"a":"1"}');
  });

  test("wakes for a new key and for a changed one", async () => {
    for (const value of ["1", "2"]) {
      const waiting = await begin(`${watch}&last_etag=${await etagOf("project/attributes/?recursive=true")}`);
      setProject("a", value);
      expect(await (await waiting.answer).json()).toEqual({ a: value });
    }
  });

  test("without an ETag it waits for the next change", async () => {
    const waiting = await begin(watch);
    setProject("b", "1");
    expect(await (await waiting.answer).json()).toEqual({ b: "1" });
  });

  test("sleeps through what is not below its path", async () => {
    const etag = await etagOf("instance/attributes/?recursive=true");
    const start = performance.now();
    const waiting = await begin(
      `instance/attributes/?recursive=true&wait_for_change=true&last_etag=${etag}&timeout_sec=0.2`,
    );
    setProject("c", "1");
    served.cloud.store.update(`zones/${zone}/instances/vm`, { labels: { x: "y" } });
    await waiting.answer;
    expect(performance.now() - start).toBeGreaterThan(180);
  });

  test("ends with the time it was given, with the same content", async () => {
    const etag = await etagOf("instance/name");
    const start = performance.now();
    const answer = await ask(`instance/name?wait_for_change=true&last_etag=${etag}&timeout_sec=0.2`);
    expect(performance.now() - start).toBeGreaterThan(180);
    expect([answer.status, await answer.text(), answer.headers.get("etag")]).toEqual([200, "vm", etag]);
  });

  test("a key that is missing answers 404 rather than wait, and so does one that goes", async () => {
    expect((await ask("project/attributes/none?wait_for_change=true")).status).toBe(404);
    setProject("d", "1");
    const waiting = await begin("project/attributes/d?wait_for_change=true");
    served.cloud.store.state.project.metadata = metadataOf([]);
    served.cloud.store.changed();
    expect((await waiting.answer).status).toBe(404);
  });

  test("a caller that hangs up leaves no watcher", async () => {
    const gone = new AbortController();
    const waiting = await begin(watch, { signal: gone.signal });
    gone.abort();
    await expect(waiting.answer).rejects.toThrow();
    await vi.waitUntil(() => watchers() === 0, { timeout: 30_000 });
  });
});

describe("guest attributes", () => {
  const put = (path: string, body: string) => ask(`instance/guest-attributes/${path}`, { method: "PUT", body });

  test("written by the VM, read by both, deleted by the VM", async () => {
    expect((await put("nixos-fleet/system", '{"a":1}')).status).toBe(200);
    expect(await text("instance/guest-attributes/")).toBe("nixos-fleet/\n");
    expect(await text("instance/guest-attributes/nixos-fleet/system")).toBe('{"a":1}');
    expect(await text("instance/guest-attributes/?recursive=true")).toBe('{"nixos-fleet":{"system":"{\\"a\\":1}"}}');
    const { data } = await served.api.instances.getGuestAttributes({
      project: "local-project",
      zone,
      instance: "vm",
      variableKey: "nixos-fleet/system",
    });
    expect(data.variableValue).toBe('{"a":1}');
    const drop = () => ask("instance/guest-attributes/nixos-fleet/system", { method: "DELETE" });
    expect((await drop()).status).toBe(200);
    expect((await drop()).status).toBe(404);
    expect((await ask("instance/guest-attributes/nixos-fleet/")).status).toBe(404);
  });

  test("only where they are enabled; the project may do that, and the instance has the last word", async () => {
    await makeInstance(served, "plain");
    const from = (name: string) => ask("instance/guest-attributes/", { headers: { "x-vm": name } });
    expect((await from("plain")).status).toBe(403);
    expect(await (await from("plain")).text()).toBe("Guest attributes endpoint access is disabled.");
    setProject("enable-guest-attributes", "TRUE");
    expect((await from("plain")).status).toBe(200);
    await makeInstance(served, "off", { metadata: { items: [{ key: "enable-guest-attributes", value: "FALSE" }] } });
    expect((await from("off")).status).toBe(403);
  });

  test.each(["nokey", "a/b/c", "a b/c", `${"a".repeat(128)}/b`, "/b", "a/"])("the name %s is refused", async (name) => {
    expect((await put(name, "x")).status).toBe(400);
  });

  test("a value has 256 KiB at most", async () => {
    expect((await put("a/b", "x".repeat(262_145))).status).toBe(413);
  });

  test("a fourth write in a second is answered and lost, and so is an eleventh in what stands for a minute", async () => {
    const now = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(now);
    const kept = async () => (await text("instance/guest-attributes/a/")).split("\n").length - 1;
    for (const second of [0, 1, 2, 3, 4]) {
      clock.mockReturnValue(now + 1_000 * second);
      for (const key of [0, 1, 2, 3]) expect((await put(`a/${second}-${key}`, "x")).status).toBe(200);
    }
    expect(await kept()).toBe(10);
    clock.mockReturnValue(now + 10_000);
    await put("a/again", "x");
    expect(await kept()).toBe(11);
  });

  test("nothing else of the metadata can be written", async () => {
    expect((await ask("instance/attributes/x", { method: "PUT", body: "y" })).status).toBe(405);
  });
});
