/** The gcp stand-in can be as slow as the official provider, which reads an operation again after 10 s. */
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { apiServer } from "../../../local/api/server";
import { memoryCloud } from "../local/local-machines";
import { Plugin } from "./client";

it("reports a change of Compute's after 10 s at the earliest where the pace is official", async () => {
  const server = apiServer(memoryCloud());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const plugin = await Plugin.start("gcp", {
    NIXOS_FLEET_COMPUTE_ENDPOINT: `http://127.0.0.1:${port}/compute/v1/`,
    NIXOS_FLEET_PROVIDER_PACE: "official",
    GOOGLE_OAUTH_ACCESS_TOKEN: "local",
  });
  try {
    await plugin.configure({ project: "local-project", region: "europe-west1" });
    const start = Date.now();
    await plugin.create("gcp:compute/network:Network", { name: "net", autoCreateSubnetworks: false });
    expect(Date.now() - start).toBeGreaterThanOrEqual(9_900);
  } finally {
    await plugin.stop();
    server.close();
  }
});
