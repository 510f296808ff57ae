import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "./config-error";
import type { FleetConfig } from "./config/fleet-config";

/** The fleets of each run of a program. */
const declared = new WeakMap<object, Set<string>>();

/**
 * Two components of one fleet and stack would write the same approvals.
 * @throws ConfigError if this run of the program has declared the fleet before
 */
export function assertDeclaredOnce({ project, fleet, stack }: Pick<FleetConfig, "project" | "fleet" | "stack">): void {
  const run = pulumi.runtime.getStackResource();
  if (run === undefined) return;
  const fleets = declared.get(run) ?? new Set();
  declared.set(run, fleets);
  const key = `${project}/${fleet}`;
  if (fleets.has(key))
    throw new ConfigError([
      `nixos-fleet:fleet: "${fleet}" is declared twice in stack ${stack} and project ${project}; give each Fleet of a program its own argument fleet`,
    ]);
  fleets.add(key);
}
