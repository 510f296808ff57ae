/** The one way to write the control item. What it means, and how it is edited, is `rules/rollout/control-item.ts`. */
import { controlKey } from "../rules/contract";
import { readApprovals } from "../rules/rollout/approval";
import { noControl, parseControl, pruned, serializeControl, type Control } from "../rules/rollout/control-item";
import { own } from "../rules/text/json";
import { FleetError } from "./errors";
import type { FleetId } from "./fleet";
import type { Compute } from "./google/compute";
import { revisionsOf } from "./status/status";
import { oneLine } from "../rules/text/text";

/** A change of the control item. It gets the item without what has expired, and each wave's approved revision as it is at that moment. */
export type ControlEdit = (control: Control, approved: Record<string, string>) => Control;

/** The control item; a value that cannot be read is an error that says why. */
export function readControl(value: string | undefined): Control {
  const read = parseControl(value);
  if (!read.ok) throw new FleetError("NF208", oneLine(`the control item is not readable: ${read.problem}`, 300));
  return read.value;
}

/**
 * The control item after a change.
 * @param metadata the project's
 * @param discardUnreadable whether a value that cannot be read counts as an empty one, and is lost
 */
export function editedControl(
  metadata: Readonly<Record<string, string>>,
  { fleet, stack }: FleetId,
  edit: ControlEdit,
  discardUnreadable = false,
): Control {
  const value = own(metadata, controlKey(fleet, stack));
  const control = discardUnreadable && !parseControl(value).ok ? noControl : readControl(value);
  const { approvals, problems } = readApprovals(metadata, fleet, stack);
  const approved = revisionsOf(approvals);
  const unreadable = Object.fromEntries(Object.keys(problems).map((wave) => [wave, null]));
  return edit(pruned(control, { ...approved, ...unreadable }), approved);
}

/** Changes the control item by compare-and-swap and returns what it says now. The edit may be called more than once. */
export async function changeControl(
  compute: Pick<Compute, "editProjectItem">,
  id: FleetId,
  edit: ControlEdit,
  discardUnreadable = false,
): Promise<Control> {
  let result = noControl;
  await compute.editProjectItem(controlKey(id.fleet, id.stack), (metadata) => {
    result = editedControl(metadata, id, edit, discardUnreadable);
    return serializeControl(result);
  });
  return result;
}
