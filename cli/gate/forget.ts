/**
 * Removes what gates wrote about a deleted wave from the control item, and with the last wave the whole item, so that a new fleet of the
 * same name does not start with old holds. Until then a person's holds stay.
 */
import { serializeControl, withoutWave } from "../../rules/rollout/control-item";
import { readCurrentApprovals } from "../../rules/rollout/wave-plan";
import { controlKey } from "../../rules/contract";
import { own } from "../../rules/text/json";
import type { FleetContext } from "../context";
import { readControl } from "../control-item";

/** @param wave the wave that is being deleted; its approval may still exist. @throws ApiError, FleetError */
export async function forgetWave({ compute, id }: FleetContext, wave: string): Promise<void> {
  const key = controlKey(id.fleet, id.stack);
  await compute.editProjectItem(key, (metadata) => {
    const value = own(metadata, key);
    const waves = Object.keys(readCurrentApprovals(metadata, id.fleet, id.stack).values);
    const isLast = waves.every((other) => other === wave);
    return value === undefined || isLast ? undefined : serializeControl(withoutWave(readControl(value), wave));
  });
}
