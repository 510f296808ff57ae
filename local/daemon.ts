/** The local cloud: Compute API, metadata server, git server and machines in one process. Usage: `daemon.ts STATE IMAGE`. */
import { rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openCloud, type Cloud } from "./api/cloud";
import { apiServer } from "./api/server";
import { Store } from "./api/store";
import { gateway } from "./api/compute/network";
import { Forwards, listenOn } from "./ssh-forwards";
import { serveGit } from "./git-server";
import { openCloud as openMachines } from "./machines/cloud";
import type { Network } from "./machines/driver";
import { metadataServer } from "./metadata/server";
import { loadState, recover, replaceFile } from "./state";

const PROJECT = "local-project";
/** Milliseconds that what is under way may take to end when the daemon stops. */
const PATIENCE = 10_000;
const METADATA = { address: "169.254.169.254", port: 80 };

async function main(): Promise<void> {
  const [state, image, ...others] = process.argv.slice(2);
  if (state === undefined || image === undefined || others.length > 0) {
    throw new Error("usage: daemon.ts STATE IMAGE");
  }
  await writeFile(path.join(state, "daemon.pid"), `${process.pid}\n`);
  const started = start(state, image);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      // What is half open is opened first: only then all of it is known.
      started.then((close) => close()).then(() => process.exit(0), fail);
    });
  }
  await started;
}

/** Opens everything; returns what closes it. */
async function start(state: string, image: string): Promise<() => Promise<void>> {
  const at = (name: string): string => path.join(state, name);
  const host = await openMachines(state, image);
  const { machines, network } = host;
  const now = new Date().toISOString();
  const { state: memory, boot, remove } = recover(await loadState(at("cloud.json"), PROJECT, now), now);
  const store = new Store(memory, (content) => replaceFile(at("cloud.json"), content));
  const cloud = openCloud(store, machines, network, at("objects"));

  for (const { resource } of store.list("subnetworks")) {
    await network.addGateway(...gateway(resource["ipCidrRange"]));
  }
  const closeMetadata = await serveMetadata(store, network);
  const closeGit = await serveGit(network, at("git"));
  const forwards = new Forwards(store, network, (ports) => replaceFile(at("ssh.json"), ports));
  await forwards.ready();
  const api = apiServer(cloud);
  const port = await listenOn(api, memory.apiPort);
  memory.apiPort = port;
  await store.saved();
  const resumed = resume(cloud, boot, remove);
  const endpoint = `http://127.0.0.1:${port}/compute/v1/`;
  await replaceFile(at("daemon.json"), { pid: process.pid, endpoint, project: PROJECT, ssh: memory.sshPorts });
  console.error(`${now} serving ${endpoint}`);

  return async () => {
    await rm(at("daemon.json"), { force: true });
    api.close();
    api.closeAllConnections();
    await resumed;
    await forwards.close();
    closeGit();
    await closeMetadata();
    await Promise.race([cloud.operations.settled(), sleep(PATIENCE, undefined, { ref: false })]);
    await host.close();
    await store.saved();
    await rm(at("daemon.pid"), { force: true });
  };
}

async function serveMetadata(store: Store, network: Network): Promise<() => Promise<void>> {
  const server = metadataServer(store);
  const listener = await network.listen(METADATA.port, METADATA.address);
  // Kept here, since a server that does not listen itself does not know its connections; watchers hold theirs for minutes.
  const sockets = new Set<Socket>();
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    server.emit("connection", socket);
  });
  return async () => {
    const closed = new Promise((resolve) => listener.close(resolve));
    for (const socket of sockets) {
      socket.destroy();
    }
    await closed;
  };
}

/** Takes up the machines of before, all side by side. */
async function resume({ store, power }: Cloud, boot: string[], remove: string[]): Promise<void> {
  for (const path of remove) {
    power.delete(path);
  }
  const known = store.list("instances").filter((instance) => !remove.includes(instance.path));
  const work = known.map(({ path }) => (boot.includes(path) ? power.resume(path) : power.take(path)));
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected") {
      console.error("a machine did not come back:", result.reason);
    }
  }
  await store.saved();
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

main().catch(fail);
