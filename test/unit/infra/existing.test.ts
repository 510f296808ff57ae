/** Which project is read before an update: the one that the provider creates its resources in. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, it, vi, onTestFinished } from "vitest";
import { readExisting } from "../../../infra/preflight/existing";

afterEach(() => vi.unstubAllEnvs());

/** A provider that uses this project, or none. */
function provider(project: string | undefined): Promise<void> {
  return pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
    call: () => ({ accessToken: "t", ...(project === undefined ? {} : { project }) }),
  });
}

const read = (raw = {}) =>
  readExisting({ project: "acme-devs", region: "europe-west1", vms: [], replace: [] }, raw, {});

it.each([
  ["acme-web", "uses acme-web"],
  ["", "names no project"],
  [undefined, "names no project"],
])("a provider of the project %j stops the program before it reads anything", async (project, other) => {
  // Nothing listens there: a request would be another error.
  vi.stubEnv("NIXOS_FLEET_COMPUTE_ENDPOINT", "http://127.0.0.1:1/compute/v1/");
  await provider(project);
  await expect(read()).rejects.toMatchObject({
    message: expect.stringContaining(
      `gcp:project: the fleet is in acme-devs, but its provider ${other}; set gcp:project to acme-devs`,
    ) as string,
  });
});

it("a token that has expired is named with what holds it", async () => {
  const server = createServer((_, response) => {
    response.writeHead(401, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { code: 401, message: "invalid credentials", errors: [] } }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv("NIXOS_FLEET_COMPUTE_ENDPOINT", `http://127.0.0.1:${(server.address() as AddressInfo).port}/compute/v1/`);
  vi.stubEnv("GOOGLE_OAUTH_ACCESS_TOKEN", "old");
  await provider("acme-devs");
  const message = (of: string) =>
    expect.stringMatching(new RegExp(`HTTP 401: .*; the token of ${of} may have expired: renew`)) as string;
  await expect(read()).rejects.toMatchObject({ message: message("GOOGLE_OAUTH_ACCESS_TOKEN") });
  await expect(read({ "gcp:accessToken": "old" })).rejects.toMatchObject({ message: message("gcp:accessToken") });
});
