import * as pulumi from "@pulumi/pulumi";
import * as storage from "@pulumi/gcp/storage";
import type { FleetAccount } from "./access";
import { fleetLabels } from "./metadata";
import { keptForOthers } from "./state-move";
import type { FleetConfig } from "../config/fleet-config";

export interface FleetCacheArgs {
  config: FleetConfig;
  /** The bucket's name. */
  bucket: string;
  /** The service account that the VMs run as. */
  account: FleetAccount;
}

/**
 * A bucket for what `fleet build` has built: a private one of this stack's, or an existing one, which stays as it is. The VMs read it; the
 * person who runs the tool writes it with their own rights.
 */
export class FleetCache extends pulumi.ComponentResource {
  constructor(name: string, { config, bucket, account }: FleetCacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetCache", name, {}, opts);
    const parent = { parent: this };
    const existing = config.cache?.existingBucket !== undefined;
    new storage.BucketIAMMember(
      `${name}-cache-reader`,
      {
        bucket: existing ? bucket : createBucket(name, config, bucket, parent).name,
        role: "roles/storage.objectViewer",
        ...account.grantee,
      },
      parent,
    );
    this.registerOutputs({});
  }
}

function createBucket(
  name: string,
  config: FleetConfig,
  bucket: string,
  opts: pulumi.CustomResourceOptions,
): storage.Bucket {
  return new storage.Bucket(
    `${name}-cache`,
    {
      name: bucket,
      location: config.region,
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      labels: fleetLabels(config),
      // Its content can be built again.
      forceDestroy: true,
    },
    { ...opts, ...keptForOthers(config) },
  );
}
