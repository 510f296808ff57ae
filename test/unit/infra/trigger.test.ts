/** Which VMs get an SSH trigger: those that run, have published a host key and answer, or whose bastion answers. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { reachAll } from "../../../infra/components/rollout/trigger";
import { configured, alice } from "./present";

/** Nothing listens there. */
const CLOSED = 1;
/** A server's port on loopback; `greet` gets each connection. */
async function listening(greet: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => greet(socket.on("error", () => undefined)));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  servers.push(server);
  return (server.address() as AddressInfo).port;
}
const servers: Server[] = [];
let open = 0;
beforeAll(async () => {
  open = await listening((socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n"));
});
afterAll(() => {
  vi.unstubAllEnvs();
  for (const server of servers) server.close();
});

let asked: string[];
/** Undefined: the provider's result is empty. */
let keys: { key: string; value: string }[] | undefined;
/** Why Compute refuses. */
let refusal: Error | undefined;
beforeEach(async () => {
  vi.stubEnv("SSH_AUTH_SOCK", "");
  asked = [];
  refusal = undefined;
  keys = [
    { key: "ssh-rsa", value: "BBBB" },
    { key: "ssh-ed25519", value: "AAAA" },
  ];
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
    call: ({ token, inputs }) => {
      asked.push(`${token.replace(/^.*:/, "")} ${(inputs as { name: string }).name}`);
      if (refusal) throw refusal;
      return keys === undefined ? {} : { queryValues: keys };
    },
  });
});

const reach = (
  ssh: object,
  present: object = {},
  more: Record<string, unknown> = { trigger: "ssh", sshPrivateKey: "k" },
) => reachAll(configured({}, { ...more, ssh }), [{ ...alice, address: "127.0.0.1", ...present }], {});
const bastion = (port: number) => ({ bastion: { host: "127.0.0.1", port, user: "jump" } });

it("asks nothing where the fleet uses none", async () => {
  expect(await reach({}, {}, {})).toEqual({});
  expect(asked).toEqual([]);
});

it("asks Compute for the host key alone: status and address are known", async () => {
  expect(await reach({ port: open })).toEqual({
    "dev-alice": { host: "127.0.0.1", port: open, hostKey: "ssh-ed25519 AAAA" },
  });
  expect(asked).toEqual(["getInstanceGuestAttributes dev-alice"]);
});

it("takes a configured address instead", async () =>
  expect(await reach({ port: CLOSED, addresses: { "dev-alice": `localhost:${open}` } })).toMatchObject({
    "dev-alice": { host: "localhost", port: open },
  }));

it("takes no address from what every object has", async () => {
  const vm = { ...alice, name: "constructor", address: "127.0.0.1" };
  const config = configured({}, { vms: [{ name: vm.name }], trigger: "ssh", sshPrivateKey: "k", ssh: { port: open } });
  expect(await reachAll(config, [vm], {})).toMatchObject({ constructor: { host: "127.0.0.1", port: open } });
});

it("skips a VM that is off, and asks nothing about it", async () => {
  expect(await reach({ port: open }, { up: false })).toEqual({ "dev-alice": { skipped: "is not running" } });
  expect(asked).toEqual([]);
});

it("skips a VM that does not answer", async () =>
  expect(await reach({ port: CLOSED })).toEqual({ "dev-alice": { skipped: "no SSH server answers on port 1" } }));

it.each<[string, (socket: Socket) => void]>([
  ["says nothing, as a VM does that is frozen", () => undefined],
  ["says little at a time", (socket) => void setInterval(() => socket.write("."), 500).unref()],
  ["is another service", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["closes at once", (socket) => socket.destroy()],
])("skips a VM that accepts the connection and %s; the bastion too", { timeout: 15_000 }, async (_, greet) => {
  const port = await listening(greet);
  expect(await reach({ port })).toEqual({ "dev-alice": { skipped: `no SSH server answers on port ${port}` } });
  expect(await reach(bastion(port))).toEqual({
    "dev-alice": { skipped: `no SSH server answers at the bastion 127.0.0.1:${port}` },
  });
});

it("knows a server that says something before its greeting, and one that greets in parts", async () => {
  const port = await listening((socket) => {
    socket.write("for acme only\r\nSS");
    setTimeout(() => socket.write("H-2.0-x\r\n"), 100);
  });
  expect(await reach({ port })).toMatchObject({ "dev-alice": { port } });
});

it("skips every VM while the bastion does not answer, and dials none behind one that does", async () => {
  expect(await reach(bastion(CLOSED))).toEqual({
    "dev-alice": { skipped: "no SSH server answers at the bastion 127.0.0.1:1" },
  });
  expect(asked).toEqual([]);
  expect(await reach({ ...bastion(open), port: CLOSED })).toMatchObject({ "dev-alice": { port: CLOSED } });
});

it("skips every VM where SSH_AUTH_SOCK names no agent, at which the provider fails; a preview does not ask", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "socket");
  vi.stubEnv("SSH_AUTH_SOCK", path);
  const skipped = `no SSH agent answers at ${path}, which SSH_AUTH_SOCK names: unset that variable`;
  for (const ssh of [{ port: open }, bastion(open)]) expect(await reach(ssh)).toEqual({ "dev-alice": { skipped } });
  const agent = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((done) => agent.listen(path, done));
  onTestFinished(() => void agent.close());
  expect(await reach({ port: open })).toMatchObject({ "dev-alice": { port: open } });
  vi.stubEnv("SSH_AUTH_SOCK", join(folder, "other"));
  vi.spyOn(pulumi.runtime, "isDryRun").mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await reach({ port: open })).toMatchObject({ "dev-alice": { port: open } });
});

it("dials no one in a preview, which may run where no VM can be reached", async () => {
  vi.spyOn(pulumi.runtime, "isDryRun").mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await reach({ port: CLOSED })).toMatchObject({ "dev-alice": { port: CLOSED } });
  expect(await reach(bastion(CLOSED))).toMatchObject({ "dev-alice": { hostKey: "ssh-ed25519 AAAA" } });
});

it.each<[string, typeof keys]>([
  ["none", []],
  ["no answer", undefined],
])("skips a VM that has published no host key: %s", async (_, published) => {
  keys = published;
  const skipped = "no SSH host key is published yet, or the right compute.instances.getGuestAttributes is missing";
  expect(await reach({ port: open })).toEqual({ "dev-alice": { skipped } });
});

it.each([
  ["ecdsa-sha2-nistp256", { hostKey: "ecdsa-sha2-nistp256 CCCC" }],
  ["", { skipped: "the only host key that is published is RSA, and the trigger needs an ed25519 or ecdsa key" }],
])("takes no RSA host key, which the provider does not accept; the other one is %j", async (key, expected) => {
  keys = [{ key: "ssh-rsa", value: "BBBB" }, ...(key === "" ? [] : [{ key, value: "CCCC" }])];
  expect(await reach({ port: open })).toMatchObject({ "dev-alice": expected });
});

it("skips a VM whose host key cannot be read", async () => {
  refusal = new Error("not found");
  expect(await reach({ port: open })).toMatchObject({
    "dev-alice": { skipped: expect.stringContaining("the host key cannot be read: ") as string },
  });
});
