/** The one way to write the control item. What it means, and how it is edited, is `rules/control-item`. */
import { controlKey } from "../rules/contract";
import { noControl, parseControl, serializeControl, type Control } from "../rules/rollout/control-item";
import { FleetError } from "./errors";
import type { Compute } from "./google/compute";
import { oneLine } from "../rules/text/text";

/** The control item; a value that cannot be read is an error that says why. */
export function readControl(value: string | undefined): Control {
  const read = parseControl(value);
  if (!read.ok) throw new FleetError("NF208", oneLine(`the control item is not readable: ${read.problem}`, 300));
  return read.value;
}

/**
 * Changes the control item by compare-and-swap and returns what it says now. The edit may be called more than once.
 * @param discardUnreadable whether a value that cannot be read counts as an empty one, and is lost
 */
export async function changeControl(
  compute: Pick<Compute, "editProjectItem">,
  { fleet, stack }: { fleet: string; stack: string },
  edit: (control: Control) => Control,
  discardUnreadable = false,
): Promise<Control> {
  let result = noControl;
  await compute.editProjectItem(controlKey(fleet, stack), (value) => {
    result = edit(discardUnreadable && !parseControl(value).ok ? noControl : readControl(value));
    return serializeControl(result);
  });
  return result;
}
