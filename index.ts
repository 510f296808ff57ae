/** The Pulumi program: read the stack's settings, make the fleet, say what came of it. */
import * as pulumi from "@pulumi/pulumi";
import { short } from "./contracts";
import { checkConfig } from "./infra/config";
import { Fleet } from "./infra/fleet";
import { osLoginName } from "./infra/people";
import { localLockDiffers, resolveRevision } from "./infra/revision";
import { agentFiles, renderStartupScript } from "./infra/startup";
import { reach } from "./infra/trigger";

async function main() {
  const raw = pulumi.runtime.allConfig();
  const { config, source, mistakes } = checkConfig(raw, pulumi.getStack());
  const resolved =
    source && (await resolveRevision(source.repository, source.branch).catch((error: unknown) => error as Error));
  if (resolved instanceof Error) mistakes.push(`nixos-fleet:${source?.key ?? "repository"}: ${resolved.message}`);
  if (!config || !source || !resolved || resolved instanceof Error) throw new pulumi.RunError(mistakes.join("\n"));

  if (localLockDiffers(source.repository, resolved))
    void pulumi.log.warn(
      `flake.lock in ${source.repository} differs from the pushed one; only what is pushed is rolled out`,
    );

  const privateKey = new pulumi.Config().getSecret("sshPrivateKey");
  const reachable =
    config.trigger === "ssh"
      ? Object.fromEntries(
          await Promise.all(config.vms.map(async (vm) => [vm.name, await reach(config, vm, {})] as const)),
        )
      : {};
  const fleet = new Fleet(config.fleet, {
    config,
    approve: resolved,
    startupScript: renderStartupScript(agentFiles()),
    ...(privateKey ? { ssh: { reachable, privateKey } } : {}),
  });
  return {
    revision: short(resolved.revision),
    lock: short(resolved.lock),
    waves: Object.fromEntries(config.waves.map(({ name, vms }) => [name, vms])),
    addresses: fleet.addresses,
    // What the owners are called on their VMs.
    ...(config.access === "owners"
      ? { logins: Object.fromEntries(config.vms.map(({ name, owner = "" }) => [name, osLoginName(owner)])) }
      : {}),
  };
}

export = main;
