/** What VMs do after a change of the control item. Pure. */
import { groupEntries } from "../../rules/group-entries";
import { short } from "../../rules/contract";
import { holdOn, wantedBy, type Control } from "../../rules/rollout/control-item";
import type { Decisions, FleetVm } from "../fleet";
import { reportOf, type VmReports } from "../../rules/report-reading";
import { own } from "../../rules/text/json";
import { firstOf, oneLine } from "../../rules/text/text";

/** VMs that do the same thing. */
interface PlannedMove {
  vms: string[];
  /** Their action in a few words: `a81f10e → d4e5f6a, now`. */
  text: string;
}

/**
 * What VMs do differently after the change than before it, grouped by action.
 * @param retried a revision that VMs on which it failed try again
 */
export function plannedMoves(
  vms: readonly FleetVm[],
  reports: ReadonlyMap<string, VmReports>,
  { approvals }: Pick<Decisions, "approvals">,
  before: Control,
  after: Control,
  retried?: string,
): PlannedMove[] {
  const moves = vms.flatMap((vm) => {
    const approved = own(approvals, vm.wave)?.revision;
    const report = reportOf(reports.get(vm.name)?.system);
    const from = report?.revision;
    // Only a VM that runs the undone revision goes back. Undefined means that it stays.
    const goal = (control: Control) => {
      const wanted = holdOn(control, vm, approved) === undefined ? wantedBy(control, vm, approved) : undefined;
      return wanted === "previous" && from !== approved ? from : wanted;
    };
    const to = goal(after);
    const failed = retried !== undefined && to === retried && report?.outcome === "failed" && from !== retried;
    if (!failed && (goal(before) ?? from) === (to ?? from)) return [];
    return [[moveText(from, to, failed, vm.state), vm.name] as const];
  });
  return [...groupEntries(moves)].map(([text, names]) => ({ vms: names, text }));
}

function moveText(from: string | undefined, to: string | undefined, failed: boolean, state: string): string {
  const when = state === "RUNNING" ? "now" : "at the next boot";
  const where = from !== undefined && /^[0-9a-f]{40}$/.test(from) ? short(from) : "what it runs";
  if (to === undefined || to === from) return `stays at ${where}`;
  if (failed) return `tries ${short(to)} again, ${when}`;
  return `${where} → ${to === "previous" ? "what it ran before" : short(to)}, ${when}`;
}

/** A line for each group. */
export function moveLines(moves: readonly PlannedMove[]): string[] {
  const shown = 6;
  return moves.map(({ vms, text }) => `  ${oneLine(`${firstOf(vms, shown)}: ${text}`, 300)}`);
}
