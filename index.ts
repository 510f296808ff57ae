/** The Pulumi program: read the stack's settings, make the fleet, say what came of it. */
import * as pulumi from "@pulumi/pulumi";
import { short } from "./rules/contract";
import { ApiError } from "./cli/google/api-error";
import { connect } from "./cli/google/compute";
import { readInventory } from "./cli/google/inventory";
import { lockHolds } from "./infra/preflight/approval";
import { Fleet } from "./infra/components/fleet";
import { newestImages } from "./infra/components/image";
import { presentHomes, stopLosses } from "./infra/preflight/replacement";
import { logins } from "./infra/components/iam";
import { decideRollout } from "./infra/preflight/rollout-plan";
import { configuredKeys } from "./infra/components/secrets";
import { Refusal } from "./infra/config-error";
import { readSettings } from "./infra/preflight/settings";
import { agentFiles, renderStartupScript } from "./infra/startup";
import { reachAll } from "./infra/components/trigger";

async function main() {
  const { config, repository, resolved } = await readSettings(pulumi.runtime.allConfig(), pulumi.getStack(), __dirname);
  const { metadata, inventory } = await lookAt(config.project);
  stopLosses(config, inventory);
  const rollout = await decideRollout(config, repository, resolved, metadata, inventory);
  const written = new pulumi.Config();
  const privateKey = written.getSecret("sshPrivateKey");
  const fleet = new Fleet(config.fleet, {
    config,
    rollout,
    newestImages: await newestImages(config, {}),
    presentHomes: presentHomes(config, inventory),
    startupScript: renderStartupScript(agentFiles()),
    deployKeys: configuredKeys(written, config.deployKeys),
    ...(privateKey ? { ssh: { reachable: await reachAll(config, {}), privateKey } } : {}),
  });
  return {
    revision: short(resolved.system.revision),
    lock: short(resolved.system.lock),
    // So that a preview shows what of it moves; ./scripts/fleet diff --head says more.
    inputs: lockHolds(resolved.system.lockText),
    waves: Object.fromEntries(config.waves.map(({ name, vms }) => [name, vms])),
    addresses: fleet.addresses,
    ...(config.access === "owners" ? { logins: logins(config.vms) } : {}),
  };
}

/** What stands in the project's metadata, as the gates read it, and what VMs there are; nothing before its Compute API is switched on. */
async function lookAt(project: string) {
  const endpoint = process.env["NIXOS_FLEET_COMPUTE_ENDPOINT"];
  const options = { project, endpoint, token: process.env["GOOGLE_OAUTH_ACCESS_TOKEN"] };
  try {
    const [metadata, inventory] = await Promise.all([connect(options).projectMetadata(), readInventory(options)]);
    return { metadata, inventory };
  } catch (error) {
    if (error instanceof ApiError && error.reason === "accessNotConfigured")
      return { metadata: {}, inventory: { vms: [], disks: [] } };
    throw new Refusal([`gcp:project: ${project} cannot be read: ${(error as Error).message}`]);
  }
}

export = main;
