/** The status of a fleet that has several stacks. Pure. */
import { short } from "../../rules/contract";
import { firstOf, oneLine, plural } from "../../rules/text/text";
import { isConverged, type FleetStatus } from "./status";
import { renderStatus, summary, type Look } from "./table";

/** The document that `fleet status --all-stacks --json` prints. */
export interface StacksStatus {
  fleet: string;
  /** RFC 3339, UTC. */
  at: string;
  /** As `fleet status --json` prints each. */
  stacks: FleetStatus[];
}

export function combined(stacks: readonly FleetStatus[]): StacksStatus {
  const [first] = stacks;
  return { fleet: first?.fleet ?? "", at: first?.at ?? "", stacks: [...stacks] };
}

/** Whether each stack is where it should be, and all have one revision. A rollout that has reached only some of them is open. */
export function areConverged(stacks: readonly FleetStatus[]): boolean {
  return stacks.every(isConverged) && revisionsOf(stacks).length <= 1;
}

/** Each stack's table and notes under its name, then all summaries at the end, with a total. */
export function renderStacks(stacks: readonly FleetStatus[], look: Look): string[] {
  const parts = stacks.flatMap((status) => {
    // Its summary stands at the end, with the others.
    const own = renderStatus(status, { ...look, unsummed: true });
    return own.length === 0 ? [] : [`stack ${status.stack}`, ...own, ""];
  });
  return [...parts, ...stacks.map((status) => summary(status, look.colour)), total(stacks)];
}

/** `devs, 2 stacks, 8 VMs: all stacks at a1b2c3d`. */
function total(stacks: readonly FleetStatus[]): string {
  const { fleet } = combined(stacks);
  const vms = stacks.reduce((sum, status) => sum + status.vms.length, 0);
  const revisions = revisionsOf(stacks);
  const [only = ""] = revisions;
  const where = stacks.map(({ stack, approvals }) => {
    const own = [...new Set(Object.values(approvals))];
    return `${stack} ${own.length === 0 ? "nothing" : own.map(short).join(" and ")}`;
  });
  const approved =
    revisions.length === 0
      ? "nothing is approved"
      : revisions.length === 1
        ? `all at ${short(only)}`
        : `approved: ${firstOf(where, 12)}`;
  return oneLine(`${fleet}, ${plural(stacks.length, "stack")}, ${plural(vms, "VM")}: ${approved}`, 500);
}

function revisionsOf(stacks: readonly FleetStatus[]): string[] {
  return [...new Set(stacks.flatMap(({ approvals }) => Object.values(approvals)))];
}
