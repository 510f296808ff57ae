import * as pulumi from "@pulumi/pulumi";
import * as secretmanager from "@pulumi/gcp/secretmanager";
import type { FleetConfig } from "../config/fleet-config";
import type { DeployKey } from "../config/repository/deploy-keys";
import type { FleetArgs } from "../fleet-args";
import type { FleetAccount } from "./access";
import { fleetLabels } from "./metadata";
import { keptForOthers } from "./state-move";

export interface FleetSecretsArgs {
  config: FleetConfig;
  /** The values of the secrets that the program makes, by the name of their key. */
  deployKeys: Record<string, pulumi.Output<string>>;
  /** The service account that the VMs run as. */
  account: FleetAccount;
}

/**
 * The repositories' credentials for VMs, in Secret Manager. The VMs' account may read these secrets and no other. A new key is a new
 * version, which is made before the old one is destroyed; VMs read the latest version, so the VMs do not change.
 */
export class FleetSecrets extends pulumi.ComponentResource {
  constructor(name: string, args: FleetSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetSecrets", name, {}, opts);
    for (const key of args.config.deployKeys) this.declare(`${name}-${key.name}-key`, key, args);
    this.registerOutputs({});
  }

  private declare(name: string, key: DeployKey, { config, deployKeys, account }: FleetSecretsArgs): void {
    const parent = { parent: this };
    const made =
      key.secretId === undefined
        ? undefined
        : new secretmanager.Secret(
            name,
            // Google chooses the locations of the copies: a VM can read the secret from anywhere, even while a region is down.
            { secretId: key.secretId, replication: { auto: {} }, labels: fleetLabels(config) },
            { ...parent, ...keptForOthers(config) },
          );
    // They go with the secret. So nothing takes them from a secret that stays.
    const within = { ...parent, ...(made && { deletedWith: made }) };
    const secretData = deployKeys[key.name];
    if (made && secretData) new secretmanager.SecretVersion(`${name}-version`, { secret: made.id, secretData }, within);
    new secretmanager.SecretIamMember(
      `${name}-reader`,
      {
        secretId: made?.id ?? key.secret,
        role: "roles/secretmanager.secretAccessor",
        ...account.grantee,
      },
      within,
    );
  }
}

/** The keys by their names, from the arguments or from the stack's configuration. They stay marked as secrets. */
export function deployKeyValues(
  args: Pick<FleetArgs, "deployKey" | "deployKeys" | "homeDeployKeys">,
  stack: pulumi.Config,
  keys: readonly DeployKey[],
): FleetSecretsArgs["deployKeys"] {
  const own = args.deployKey === undefined ? stack.getSecret("deployKey") : pulumi.secret(args.deployKey);
  const written = (key: "deployKeys" | "homeDeployKeys") => {
    const given = args[key];
    return given === undefined ? stack.getSecretObject<Record<string, string>>(key) : pulumi.secret(given);
  };
  const several = { home: written("homeDeployKeys"), input: written("deployKeys") };
  return Object.fromEntries(
    keys.flatMap(({ of, repository, name, secretId }) => {
      const key = of === "config" ? own : several[of]?.apply((known) => known[repository] ?? "");
      return secretId === undefined || key === undefined ? [] : [[name, key] as const];
    }),
  );
}
