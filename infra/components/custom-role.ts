import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { IAMCustomRole } from "@pulumi/gcp/projects";
import type { FleetConfig } from "../config/fleet-config";

export interface CustomRoleArgs {
  config: Pick<FleetConfig, "fleet" | "stack">;
  /** The first part of its id. */
  id: string;
  /** What it is for; its title adds the fleet and the stack. */
  title: string;
  permissions: string[];
}

/**
 * A custom role of the stack. IAM refuses the id of a deleted role for 37 days, so each role that is created gets a new id. The state keeps
 * the id from then on. The official provider cannot generate it: its names contain `-`, which IAM refuses.
 */
export function customRole(
  name: string,
  { config, id, title, permissions }: CustomRoleArgs,
  opts: pulumi.CustomResourceOptions,
): IAMCustomRole {
  return new IAMCustomRole(
    name,
    {
      roleId: `${id}.${randomBytes(4).toString("hex")}`,
      title: `${title} of fleet ${config.fleet}, stack ${config.stack}`,
      permissions,
    },
    { ...opts, ignoreChanges: ["roleId"] },
  );
}
