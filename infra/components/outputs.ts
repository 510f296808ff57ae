/** The outputs about a fleet's VMs and waves. */
import * as pulumi from "@pulumi/pulumi";
import { loginCommand } from "../../rules/login";
import type { Approval } from "../../rules/rollout/approval";
import type { FleetConfig } from "../config/fleet-config";
import type { WaveResult } from "../readme";
import { knownOr } from "./known-or";
import type { DevVm, DevVmOutputs } from "./vm";

/** One VM of a fleet. */
export interface FleetVmOutputs extends DevVmOutputs {
  wave: string;
  /** Its owner; absent if none is configured. */
  owner?: string;
  /** The command to log in to it. */
  login: string;
}

/** By name. Values that only Google knows are empty if the VM could not be created. */
export function vmOutputs(
  { project, vms }: Pick<FleetConfig, "project" | "vms">,
  declared: Readonly<Record<string, DevVm>>,
): Record<string, FleetVmOutputs> {
  return Object.fromEntries(
    vms.flatMap(({ name, zone, wave, owner }) => {
      const outputs = declared[name]?.outputs;
      if (outputs === undefined) return [];
      const login = loginCommand(name, { project, zone });
      return [[name, { ...created(outputs), wave, ...(owner === undefined ? {} : { owner }), login }]];
    }),
  );
}

/** In a preview, a new VM's values stay unknown, because other resources may depend on them. */
function created(outputs: DevVmOutputs): DevVmOutputs {
  if (pulumi.runtime.isDryRun()) return outputs;
  return { ...outputs, address: knownOr(outputs.address, ""), selfLink: knownOr(outputs.selfLink, "") };
}

/** By wave; a wave without an approval has no revision. */
export function waveResults(
  { waves }: Pick<FleetConfig, "waves">,
  approvals: Readonly<Record<string, Approval>>,
  gates: Readonly<Record<string, string>>,
): Record<string, WaveResult> {
  return Object.fromEntries(
    waves.map(({ name }) => {
      const revision = approvals[name]?.revision;
      return [name, { ...(revision === undefined ? {} : { revision }), gate: gates[name] ?? "nothing is approved" }];
    }),
  );
}
