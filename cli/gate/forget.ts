/** What is left of a wave in the control item goes with it: a hold does not outlive its fleet, and a new fleet of that name begins free. */
import { serializeControl, withoutWave } from "../../rules/rollout/control-item";
import { controlKey } from "../../rules/contract";
import type { FleetContext } from "../context";
import { readControl } from "../control-item";
import { readDecisions } from "../fleet";

/** @param wave the one that is being deleted; its approval may still be there. @throws ApiError, FleetError */
export async function forgetWave({ compute, id }: FleetContext, wave: string): Promise<void> {
  const { approvals } = readDecisions(await compute.projectMetadata(), id);
  const isLast = Object.keys(approvals).every((other) => other === wave);
  await compute.editProjectItem(controlKey(id.fleet, id.stack), (value) =>
    value === undefined || isLast ? undefined : serializeControl(withoutWave(readControl(value), wave)),
  );
}
