import * as pulumi from "@pulumi/pulumi";
import * as storage from "@pulumi/gcp/storage";
import type { FleetConfig } from "../config/fleet-config";
import { fleetLabels } from "./metadata";

export interface FleetCacheArgs {
  config: FleetConfig;
  /** The bucket's name. */
  bucket: string;
  /** Whether the bucket exists already, such as another stack's. It stays as it is, except that this fleet's VMs may read it. */
  existing: boolean;
  /** Address of the service account that the VMs run as. */
  account: pulumi.Input<string>;
}

/** A private bucket for what `fleet build` has built. The VMs read it; the person who runs the tool writes it with their own rights. */
export class FleetCache extends pulumi.ComponentResource {
  constructor(
    name: string,
    { config, bucket, existing, account }: FleetCacheArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("nixos-fleet:infra:FleetCache", name, {}, opts);
    const parent = { parent: this };
    const readable = existing
      ? bucket
      : new storage.Bucket(
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
          parent,
        ).name;
    new storage.BucketIAMMember(
      `${name}-cache-reader`,
      { bucket: readable, role: "roles/storage.objectViewer", member: pulumi.interpolate`serviceAccount:${account}` },
      parent,
    );
    this.registerOutputs({});
  }
}
