/** Google's own client against a cloud in memory. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { compute_v1 } from "@googleapis/compute/build/v1";
import { OAuth2Client } from "google-auth-library";
import type { Cloud } from "../../../local/api/cloud";
import { apiServer } from "../../../local/api/server";
import { memoryCloud, type MemoryCloud } from "./local-machines";

export const project = "local-project";
export const zone = "europe-west1-b";
export const region = "europe-west1";

export interface Served<C extends Cloud = MemoryCloud> {
  cloud: C;
  api: compute_v1.Compute;
  /** Base address, `http://127.0.0.1:PORT/compute/v1/projects/local-project`. */
  url: string;
  close: () => void;
}

export async function serve(): Promise<Served>;
export async function serve<C extends Cloud>(cloud: C): Promise<Served<C>>;
export async function serve(cloud: Cloud = memoryCloud()): Promise<Served<Cloud>> {
  const server: Server = apiServer(cloud);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const auth = new OAuth2Client();
  auth.setCredentials({ access_token: "local" });
  return {
    cloud,
    api: new compute_v1.Compute({ auth, rootUrl, retry: false }),
    url: `${rootUrl}compute/v1/projects/${project}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Waits until an operation is done. Throws what it failed with. */
export async function done(
  api: compute_v1.Compute,
  begun: Promise<{ data: compute_v1.Schema$Operation }>,
): Promise<void> {
  const operation = (await begun).data;
  const name = operation.name ?? "";
  const scope = (link: string | null | undefined): string => link?.replace(/.*\//, "") ?? "";
  const { data } = operation.zone
    ? await api.zoneOperations.wait({ project, zone: scope(operation.zone), operation: name })
    : operation.region
      ? await api.regionOperations.wait({ project, region: scope(operation.region), operation: name })
      : await api.globalOperations.wait({ project, operation: name });
  const failure = data.error?.errors?.[0];
  if (failure !== undefined) {
    throw new Error(`${failure.code ?? ""}: ${failure.message ?? ""}`);
  }
}

/** A network and its subnetwork `10.0.0.0/24`. */
export async function makeNetwork({ api }: Served<Cloud>): Promise<void> {
  await done(api, api.networks.insert({ project, requestBody: { name: "vpc", autoCreateSubnetworks: false } }));
  const requestBody = {
    name: "subnet",
    network: `projects/${project}/global/networks/vpc`,
    ipCidrRange: "10.0.0.0/24",
  };
  await done(api, api.subnetworks.insert({ project, region, requestBody }));
}

/** What an insert of an instance says at least. */
export function instanceBody(name: string, more: compute_v1.Schema$Instance = {}): compute_v1.Schema$Instance {
  const sourceImage = `projects/${project}/global/images/family/nixos-fleet`;
  return {
    name,
    machineType: `zones/${zone}/machineTypes/e2-small`,
    disks: [{ boot: true, autoDelete: true, initializeParams: { sourceImage } }],
    networkInterfaces: [{ subnetwork: `projects/${project}/regions/${region}/subnetworks/subnet` }],
    ...more,
  };
}

export async function makeInstance(
  served: Served<Cloud>,
  name: string,
  more: compute_v1.Schema$Instance = {},
): Promise<void> {
  const requestBody = instanceBody(name, more);
  await done(served.api, served.api.instances.insert({ project, zone, requestBody }));
}

/** The message, status and reason of a call that Google's client rejects. */
export async function refusal(call: Promise<unknown>): Promise<{ status: number; reason: string; message: string }> {
  try {
    await call;
  } catch (error) {
    const { response } = error as {
      response: { status: number; data: { error: { message: string; errors: { reason: string }[] } } };
    };
    const { message, errors } = response.data.error;
    return { status: response.status, reason: errors[0]?.reason ?? "", message };
  }
  throw new Error("the call was not refused");
}
