/** What the checks of an update read and answer. */
import { groupEntries } from "../../rules/group-entries";
import { firstOf } from "../../rules/text/text";
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

/** How many VMs a line names besides the first. */
const NAMED = 3;

/** A changed default concerns many VMs: lines that differ only in the VM are one line, that of the first one. */
export function oncePerCause(lines: readonly (readonly [vm: string, line: string])[]): string[] {
  const causes = groupEntries(lines.map(([vm, line]) => [withoutVm(line, vm), { vm, line }] as const));
  return [...causes.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const others = firstOf(
      more.map(({ vm }) => vm),
      NAMED,
    );
    return [more.length === 0 ? first.line : `${first.line} (the same: ${others})`];
  });
}

/** A line in which nothing shows which VM it is about. The name of its home disk contains that of the VM. */
function withoutVm(line: string, vm: string): string {
  return line.replace(/^vms\[\d+\]/, "vms[]").replace(new RegExp(`(?<![\\w-])${vm}(?![a-z0-9])`, "g"), "VM");
}
