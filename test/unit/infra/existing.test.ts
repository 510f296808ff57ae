/** Which project is read before an update: the one that the provider creates its resources in. */
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, it, vi } from "vitest";
import { readExisting } from "../../../infra/preflight/existing";

afterEach(() => vi.unstubAllEnvs());

it.each([
  ["acme-web", "uses acme-web"],
  ["", "names no project"],
  [undefined, "names no project"],
])("a provider of the project %j stops the program before it reads anything", async (project, other) => {
  // Nothing listens there: a request would be another error.
  vi.stubEnv("NIXOS_FLEET_COMPUTE_ENDPOINT", "http://127.0.0.1:1/compute/v1/");
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
    call: () => ({ accessToken: "t", ...(project === undefined ? {} : { project }) }),
  });
  await expect(readExisting({ project: "acme-devs", vms: [], replace: [] }, {}, {})).rejects.toMatchObject({
    message: expect.stringContaining(
      `gcp:project: the fleet is in acme-devs, but its provider ${other}; set gcp:project to acme-devs`,
    ) as string,
  });
});
