import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "./config-error";
import type { FleetConfig } from "./config/fleet-config";

/** The fleets of each run of a program. */
const declared = new WeakMap<object, Set<string>>();

/**
 * Two components of one fleet and stack would write the same approvals.
 * @throws ConfigError if this run of the program has declared the fleet before
 */
export function assertDeclaredOnce({ fleet, stack }: Pick<FleetConfig, "fleet" | "stack">): void {
  const run = pulumi.runtime.getStackResource();
  if (run === undefined) return;
  const fleets = declared.get(run) ?? new Set();
  declared.set(run, fleets);
  if (fleets.has(fleet))
    throw new ConfigError([
      `nixos-fleet:fleet: "${fleet}" is declared twice in stack ${stack}; give each Fleet of a program its own argument fleet`,
    ]);
  fleets.add(fleet);
}
