/** How a system goes back to what ran before its activation. */
import { rollbackAction } from "../../rules/decision/activation";
import { removePartialKernels, systemToBoot } from "../activation/boot-loader";
import { isSystemOrVariant } from "../activation/reboot";
import { rollbackTarget } from "../activation/rollback-target";
import { modeOf, switchToConfiguration } from "../activation/switch-system";
import type { Place, RolledBack } from "../driver";
import { lastLine, log } from "../host/log";
import { revertProfile } from "../nix/profile";
import { readState, stillWaiting, type Trial } from "../state";

interface Machine {
  place: Pick<Place, "profile" | "stateFolder">;
  /** The boot loader's folder. */
  bootFolder: string;
  /** The id of the present boot. */
  boot: string;
  /** What the machine booted; `undefined` if that is unknown. */
  booted: string | undefined;
  /** What runs now. */
  current: () => string;
}

/** @param unchanged whether the activation changed nothing, so that only the profile has to be set back */
export async function rollBackSystem(machine: Machine, trial: Trial, unchanged: boolean): Promise<RolledBack> {
  const { place, bootFolder, boot, current } = machine;
  const waits = stillWaiting(trial, boot);
  const old = previous(machine, trial, waits);
  const next = waits?.path ?? old;
  if (!(await revertProfile(place.profile, next, trial.path === old ? undefined : trial.path)))
    return { ok: false, error: "the profile cannot be set back" };
  if (unchanged) return { ok: true };
  if (old === undefined || next === undefined)
    return { ok: false, error: "nothing was deployed before", hopeless: true };
  log(`going back to ${old}`);
  const runsOld = () => isSystemOrVariant(old, current());
  const hasChanged =
    rollbackAction({ mode: trial.mode, running: runsOld() ? old : current(), former: old }) === "switch";
  // It ran here before. What its pre-switch checks refuse must wait for a reboot.
  const how = hasChanged ? await modeOf(old) : undefined;
  // Read before the boot loader is installed again: an installation that fails half way may have changed its menu.
  const boots = systemToBoot(bootFolder);
  if (trial.undo?.passes === "space") removePartialKernels(bootFolder);
  const steps = [[next, "boot"] as const, ...(how?.mode === "live" ? [[old, "test"] as const] : [])];
  for (const [toplevel, action] of steps) {
    const switched = await switchToConfiguration(toplevel, action);
    if (switched.kind !== "failed") continue;
    if (action !== "boot" || boots !== next) return { ok: false, error: switched.error };
    log(`the boot loader cannot be installed, but starts ${next} already: ${lastLine(switched.error)}`);
  }
  if (runsOld() || (how === undefined && next === old)) return { ok: true };
  if (how?.mode === "busy") return { ok: false, error: how.why };
  return { ok: false, ...(how?.mode === "boot" && next === old ? { awaitsBoot: true } : {}) };
}

/**
 * What was deployed and ran before; another system that waits for its boot counts as deployed, but never ran. If the agent has deployed
 * nothing yet: what ran, or what the machine booted.
 */
function previous({ place, booted }: Machine, trial: Trial, waits: Trial | undefined): string | undefined {
  const { deployed } = waits === undefined ? readState(place.stateFolder).state : (trial.restores ?? {});
  return rollbackTarget(trial, [deployed, trial.former, booted], "bin/switch-to-configuration");
}
