/** What a command says and asks before it changes the control item. */
import type { Call } from "./command";
import type { FleetContext } from "../context";
import { editedControl, type ControlEdit } from "../control-item";
import { FleetError } from "../errors";
import { readAllReports, readVms, type Decisions } from "../fleet";
import { moveLines, plannedMoves } from "../status/planned-moves";

/**
 * Says which VMs the change moves, and asks on a terminal unless --yes is given. Returns whether to go on: not with --dry-run.
 * With --json, what it says goes to standard error.
 * @param edit the change, which may throw if it makes no sense
 * @param retried a revision that VMs try again
 * @param discardUnreadable see `editedControl`
 * @param alwaysAsk whether to ask even if no VM moves
 * @throws FleetError if the answer is no
 */
export async function confirmChange(
  call: Call,
  { compute, id }: FleetContext,
  decisions: Decisions,
  edit: ControlEdit,
  {
    retried,
    discardUnreadable,
    alwaysAsk = false,
  }: { retried?: string | undefined; discardUnreadable?: boolean; alwaysAsk?: boolean } = {},
): Promise<boolean> {
  const { options } = call;
  const [dryRun, json] = [options.flag("dry-run"), options.flag("json")];
  const after = editedControl(decisions.metadata, id, edit, discardUnreadable);
  const vms = await readVms(compute, id);
  const reports = await readAllReports(compute, vms);
  const moves = plannedMoves(vms, reports, decisions, decisions.control, after, retried);
  if (dryRun && json) {
    call.print(JSON.stringify({ dryRun: true, moves, control: after }, null, 2));
    return false;
  }
  moveLines(moves).forEach(json ? call.printError : call.print);
  if (dryRun) {
    call.print(`${moves.length === 0 ? "no VM would move; " : ""}nothing was changed (--dry-run)`);
    return false;
  }
  if (moves.length > 0 || alwaysAsk) await askToGoAhead(call);
  return true;
}

/** Asks on a terminal unless --yes is given. @throws FleetError if the answer is no */
export async function askToGoAhead({ options, confirm }: Call): Promise<void> {
  if (confirm !== undefined && !options.flag("yes") && !(await confirm("Go ahead?")))
    throw new FleetError("NF210", "nothing was changed");
}
