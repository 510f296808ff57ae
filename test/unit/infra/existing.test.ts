/** What is read before an update: the project that the provider creates its resources in, and of others' VMs only what the list says. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, it, vi, onTestFinished } from "vitest";
import { readExisting } from "../../../infra/preflight/existing";
import { stateOf } from "../../../infra/preflight/instance-fields";

afterEach(() => vi.unstubAllEnvs());

/** A provider that uses this project, or none. */
function provider(project: string | undefined): Promise<void> {
  return pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
    call: () => ({ accessToken: "t", ...(project === undefined ? {} : { project }) }),
  });
}

const settings = { project: "acme-devs", fleet: "devs", stack: "dev", region: "europe-west1", vms: [], replace: [] };
const read = (raw = {}) => readExisting(settings, raw, {});

/** Compute, which answers so. */
async function serve(answer: RequestListener): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv("NIXOS_FLEET_COMPUTE_ENDPOINT", `http://127.0.0.1:${(server.address() as AddressInfo).port}/compute/v1/`);
}

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
  await serve((_, response) => {
    response.writeHead(401, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { code: 401, message: "invalid credentials", errors: [] } }));
  });
  vi.stubEnv("GOOGLE_OAUTH_ACCESS_TOKEN", "old");
  await provider("acme-devs");
  const message = (of: string) =>
    expect.stringMatching(new RegExp(`HTTP 401: .*; the token of ${of} may have expired: renew`)) as string;
  await expect(read()).rejects.toMatchObject({ message: message("GOOGLE_OAUTH_ACCESS_TOKEN") });
  await expect(read({ "gcp:accessToken": "old" })).rejects.toMatchObject({ message: message("gcp:accessToken") });
});

it.each([
  ["RUNNING", { running: true, up: true }],
  ["STOPPING", { running: true, up: false }],
  ["SUSPENDED", { running: true, up: false, suspended: true }],
  ["TERMINATED", { running: false, up: false }],
])("a VM that is %s is %j", (status, state) => expect(stateOf({ status })).toEqual(state));

it("the subnets of other fleets are not asked for, which may be in projects that no one here may read", async () => {
  const subnetOf = (project: string) =>
    `https://www.googleapis.com/compute/v1/projects/${project}/regions/europe-west1/subnetworks/s`;
  const vm = (name: string, fleet: string, stack: string, project: string) => ({
    name,
    zone: "z",
    status: "RUNNING",
    labels: { "nixos-fleet": fleet, "nixos-fleet-stack": stack },
    networkInterfaces: [{ subnetwork: subnetOf(project) }],
  });
  const instances = [vm("dev-ours", "devs", "dev", "acme-devs"), vm("ci-theirs", "ci", "dev", "their-host")];
  await serve(({ url = "" }, response) => {
    const [status, body] = url.includes("/projects/their-host/")
      ? [403, { error: { code: 403, message: "Required 'compute.subnetworks.get' permission", errors: [] } }]
      : [200, url.includes("/instances?") ? { items: { z: { instances } } } : { ipCidrRange: "10.128.0.0/20" }];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await provider("acme-devs");
  const { inventory } = await read();
  expect(inventory.vms.map(({ name, cidr, subnetwork }) => [name, cidr, subnetwork])).toEqual([
    ["dev-ours", "10.128.0.0/20", subnetOf("acme-devs")],
    ["ci-theirs", "", subnetOf("their-host")],
  ]);
});
