/** The stand-in plugin gcp, run against the local Compute API; each test has a cloud of its own. */
import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { apiServer } from "../../../local/api/server";
import { memoryCloud, type MemoryCloud } from "../local/local-machines";
import { Plugin, type Json } from "./client";

export const NETWORK = "gcp:compute/network:Network";
const SUBNETWORK = "gcp:compute/subnetwork:Subnetwork";
export const ROUTER = "gcp:compute/router:Router";
export const NAT = "gcp:compute/routerNat:RouterNat";
export const INSTANCE = "gcp:compute/instance:Instance";
export const ITEM = "gcp:compute/projectMetadataItem:ProjectMetadataItem";
export const vm: Json = {
  name: "vm",
  zone: "europe-west1-b",
  machineType: "e2-medium",
  bootDisk: { initializeParams: { image: "debian-cloud/debian-12", size: 20 } },
  networkInterfaces: [{ subnetwork: "projects/local-project/regions/europe-west1/subnetworks/sub" }],
  metadata: { a: "1" },
  labels: { fleet: "devs" },
  tags: ["b", "a"],
};

interface GcpPlugin {
  plugin: Plugin;
  cloud: MemoryCloud;
  /** The requests of the present test, such as `GET zones/…`. */
  asked: string[];
}

/** Starts the plugin for the tests of the calling file, and stops it after them. */
export function startGcpPlugin(): GcpPlugin {
  const gcp = { asked: [] as string[] } as unknown as GcpPlugin;
  // One endpoint for all tests, each with a cloud of its own behind it.
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace("/compute/v1/projects/local-project/", "");
    gcp.asked.push(`${request.method ?? ""} ${path}`);
    apiServer(gcp.cloud).emit("request", request, response);
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    gcp.plugin = await Plugin.start("gcp", {
      NIXOS_FLEET_COMPUTE_ENDPOINT: `http://127.0.0.1:${port}/compute/v1/`,
      GOOGLE_OAUTH_ACCESS_TOKEN: "local",
    });
    const configured = await gcp.plugin.configure({ project: "local-project", region: "europe-west1" });
    expect(configured.getSupportspreview()).toBe(true);
  });
  afterAll(async () => {
    await gcp.plugin.stop();
    server.close();
  });
  beforeEach(() => {
    gcp.cloud = memoryCloud();
  });
  afterEach(() => {
    gcp.asked.length = 0;
  });
  return gcp;
}

export async function withNetwork({ plugin }: GcpPlugin): Promise<void> {
  const { state } = await plugin.create(NETWORK, { name: "net", autoCreateSubnetworks: false });
  await plugin.create(SUBNETWORK, { name: "sub", network: state["selfLink"] ?? "", ipCidrRange: "10.10.0.0/24" });
}
