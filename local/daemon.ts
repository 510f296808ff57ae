/** The local cloud: Compute API, metadata server, git server and machines in one process. Usage: `daemon.ts STATE IMAGE`. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { openCloud, type Cloud } from "./api/cloud";
import { apiServer } from "./api/server";
import { Store } from "./api/store";
import { gateway } from "./api/compute/network";
import { Forwards, listenOn } from "./ssh-forwards";
import { certificate } from "./certificate";
import { serveGit } from "./git-server";
import { httpsGit } from "./https-git";
import { openCloud as openMachines } from "./machines/cloud";
import { gitName } from "./machines/network";
import { secretManager } from "./metadata/secret-manager";
import { byAddress, metadataServer } from "./metadata/server";
import { secretManagerName, tlsFront } from "./tls-front";
import { loadState, recover, replaceFile } from "./state";

const PROJECT = "local-project";
const METADATA = { address: "169.254.169.254", port: 80 };

async function main(): Promise<void> {
  const [state, image, ...others] = process.argv.slice(2);
  if (state === undefined || image === undefined || others.length > 0) {
    throw new Error("usage: daemon.ts STATE IMAGE");
  }
  await writeFile(path.join(state, "daemon.pid"), `${process.pid}\n`);
  await start(state, image);
}

/** Starts everything. Nothing stops it: the daemon may be killed at any time, and its machines and servers end with it. */
async function start(state: string, image: string): Promise<void> {
  const at = (name: string): string => path.join(state, name);
  const tls = certificate(state, [gitName, secretManagerName]);
  const { machines, network } = await openMachines(state, image, { cert: tls.cert, names: [secretManagerName] });
  const now = new Date().toISOString();
  const { state: memory, boot, remove } = recover(await loadState(at("cloud.json"), PROJECT, now), now);
  const store = new Store(memory, (content) => replaceFile(at("cloud.json"), content));
  const cloud = openCloud(store, machines, network, at("objects"));

  for (const { resource } of store.list("subnetworks")) {
    await network.addGateway(...gateway(resource["ipCidrRange"]));
  }
  const metadata = metadataServer(store);
  const listener = await network.listen(METADATA.port, METADATA.address);
  listener.on("connection", (socket) => metadata.emit("connection", socket));
  await serveGit(network, at("git"));
  const git = httpsGit(at("git"), tls, { accepted: `x-access-token:${gitToken(at("git-token"))}` });
  const front = tlsFront(tls, { secretManager: secretManager(store, byAddress(store)), git });
  (await network.listen(443, "0.0.0.0")).on("connection", (socket) => front.emit("connection", socket));
  const forwards = new Forwards(store, network, (ports) => replaceFile(at("ssh.json"), ports));
  await forwards.ready();
  const api = apiServer(cloud);
  const port = await listenOn(api, memory.apiPort);
  memory.apiPort = port;
  await store.saved();
  void resume(cloud, boot, remove);
  const endpoint = `http://127.0.0.1:${port}/compute/v1/`;
  await replaceFile(at("daemon.json"), { pid: process.pid, endpoint, project: PROJECT, ssh: memory.sshPorts });
  console.error(`${now} serving ${endpoint}`);
}

/** The token that https://git.internal requires, in a file, so that a person can give it to the fleet. */
function gitToken(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(20).toString("hex"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

/** Makes the earlier machines known again, all in parallel. */
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

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
