import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Forwards } from "../../../local/ssh-forwards";
import { done, makeInstance, makeNetwork, project, serve, zone, type Served } from "./client";

let served: Served;
let machine: Server;
let forwards: Forwards;
let ports: Record<string, number>;
let dialled: string[];

beforeEach(async () => {
  served = await serve();
  await makeNetwork(served);
  machine = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(machine, "listening");
  ports = {};
  dialled = [];
  forwards = open();
  await forwards.ready();
});
afterEach(async () => {
  await forwards.close();
  machine.close();
  served.close();
});

function open(): Forwards {
  const dial = async (address: string, port: number) => {
    dialled.push(`${address}:${port}`);
    const socket = connect((machine.address() as AddressInfo).port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  };
  return new Forwards(served.cloud.store, { dial }, (published) => {
    ports = published;
    return Promise.resolve();
  });
}

async function say(port: number, words: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(words);
  return text(socket);
}

test("each machine has a port of its own that leads to its port 22", async () => {
  await makeInstance(served, "a");
  await makeInstance(served, "b");
  await forwards.ready();
  expect(Object.keys(ports)).toEqual(["a", "b"]);
  expect(await say(ports["b"] ?? 0, "hello")).toBe("hello");
  expect(dialled).toEqual(["10.0.0.3:22"]);
});

test("ports stay the same over a restart, and go with their machines", async () => {
  await makeInstance(served, "a");
  await forwards.ready();
  const before = ports["a"];
  await forwards.close();
  forwards = open();
  await forwards.ready();
  expect(ports["a"]).toBe(before);
  await done(served.api, served.api.instances.delete({ project, zone, instance: "a" }));
  await forwards.ready();
  expect(ports).toEqual({});
  await expect(say(before ?? 0, "hello")).rejects.toThrow("ECONNREFUSED");
});

test("a machine that does not answer ends the connection", async () => {
  await makeInstance(served, "a");
  await forwards.ready();
  machine.close();
  expect(await say(ports["a"] ?? 0, "hello").catch(() => "reset")).toMatch(/^(reset)?$/);
});
