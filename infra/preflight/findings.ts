/** What the checks of an update read and answer. */
import { groupEntries } from "../../rules/group-entries";
import type { FleetConfig } from "../config/fleet-config";
import { withOthers } from "../config/parse";

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

/** A changed default concerns many VMs: lines that differ only in the VM are one line, that of the first one. */
export function mergeVms(lines: readonly (readonly [vm: string, line: string])[]): string[] {
  const causes = groupEntries(lines.map(([vm, line]) => [withoutVm(line, vm), { vm, line }] as const));
  return [...causes.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const others = more.map(({ vm }) => vm);
    return [withOthers(first.line, others)];
  });
}

/** A line in which nothing shows which VM it is about. The name of its home disk contains that of the VM. */
function withoutVm(line: string, vm: string): string {
  return line.replace(/^vms\[\d+\]/, "vms[]").replace(new RegExp(`(?<![\\w-])${vm}(?![a-z0-9])`, "g"), "VM");
}
