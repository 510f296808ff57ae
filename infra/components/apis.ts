import * as pulumi from "@pulumi/pulumi";
import { Service } from "@pulumi/gcp/projects";
import { bucketOf } from "../config/cache";
import type { FleetConfig } from "../config/fleet-config";

/**
 * The APIs that a fleet uses, by the first part of their names. Pure. Logging is always one of them: gates and the operator's tool keep
 * their history there.
 */
export function apisOf({
  image,
  cache,
  monitoring,
  deployKeys,
}: Pick<FleetConfig, "image" | "cache" | "monitoring" | "deployKeys">): string[] {
  return [
    ...["compute", "iam", "iap", "cloudresourcemanager", "oslogin", "logging"],
    ...(image || bucketOf(cache) !== undefined ? ["storage"] : []),
    ...(deployKeys.length > 0 ? ["secretmanager"] : []),
    ...(monitoring ? ["monitoring"] : []),
  ];
}

/** Enables the project's APIs. They stay enabled after the stack is destroyed, since others in the project may use them by then. */
export class FleetApis extends pulumi.ComponentResource {
  /** The API that tells the project's number. */
  readonly resourceManager: Service | undefined;

  constructor(name: string, config: FleetConfig, opts?: pulumi.ComponentResourceOptions) {
    super("nixos-fleet:infra:FleetApis", name, {}, opts);
    for (const api of apisOf(config)) {
      const service = new Service(
        `${name}-api-${api}`,
        { service: `${api}.googleapis.com`, disableOnDestroy: false },
        { parent: this },
      );
      if (api === "cloudresourcemanager") this.resourceManager = service;
    }
    this.registerOutputs({});
  }
}
