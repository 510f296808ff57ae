/** The tool's commands against the local cloud's API, and a fleet there. */
import { approvalKey } from "../../../rules/contract";
import { approval, good } from "./fleet-samples";
import { environmentOf } from "./google/fake-compute";
import { instanceBody, makeInstance, makeNetwork, project, type Served } from "../local/client";
import { runFleet } from "./run-fleet";

/** Runs a command of the fleet devs/dev. */
export function runServedFleet(served: Served, args: string[], env: NodeJS.ProcessEnv = {}) {
  const endpoint = new URL("/compute/v1/", served.url).href;
  return runFleet(args, {
    ...environmentOf(endpoint),
    GOOGLE_CLOUD_PROJECT: project,
    NIXOS_FLEET_FLEET: "devs",
    NIXOS_FLEET_STACK: "dev",
    ...env,
  });
}

/** A fleet of one VM that is stopped, so that its gate passes at once. */
export async function oneStoppedVm(served: Served): Promise<void> {
  await makeNetwork(served);
  const labels = { "nixos-fleet": "devs", "nixos-fleet-stack": "dev", "nixos-fleet-wave": "rest" };
  await makeInstance(served, "dev-bob", { ...instanceBody("dev-bob"), labels });
  await served.api.instances.stop({ project, zone: "europe-west1-b", instance: "dev-bob" });
  await served.cloud.operations.settled();
  const items = [{ key: approvalKey("devs", "dev", "rest"), value: JSON.stringify(approval(good)) }];
  await served.api.projects.setCommonInstanceMetadata({ project, requestBody: { items } });
}

/** What tells the gate of that fleet that Pulumi runs it. */
export const underPulumi = { NIXOS_FLEET_MEMBERS: "dev-bob" };
