/** What the checks of an update read and answer. */
import type { FleetConfig } from "../config/fleet-config";

/** Lines that begin with the key; without a namespace it is of nixos-fleet. */
export interface Findings {
  mistakes: string[];
  warnings: string[];
}

export type Fleet = Pick<
  FleetConfig,
  | "fleet"
  | "stack"
  | "project"
  | "region"
  | "vms"
  | "replace"
  | "network"
  | "allowStopping"
  | "stacks"
  | "stackOf"
  | "existingNetwork"
  | "serviceAccount"
>;
