/** Removes a deleted wave from the control item, so that a new fleet of the same name does not start with old holds. */
import { serializeControl, withoutWave } from "../../rules/rollout/control-item";
import { controlKey } from "../../rules/contract";
import type { FleetContext } from "../context";
import { readControl } from "../control-item";
import { readDecisions } from "../fleet";

/** @param wave the wave that is being deleted; its approval may still exist. @throws ApiError, FleetError */
export async function forgetWave({ compute, id }: FleetContext, wave: string): Promise<void> {
  const { approvals } = readDecisions(await compute.projectMetadata(), id);
  const isLast = Object.keys(approvals).every((other) => other === wave);
  await compute.editProjectItem(controlKey(id.fleet, id.stack), (value) =>
    value === undefined || isLast ? undefined : serializeControl(withoutWave(readControl(value), wave)),
  );
}
