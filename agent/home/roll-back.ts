/** How a home goes back to what was deployed before its activation. */
import { activateHome, backupSuffix, rollbackSuffix } from "../activation/home-activation";
import { rollbackTarget } from "../activation/rollback-target";
import type { RolledBack } from "../driver";
import { remove, resolved } from "../host/files";
import { log } from "../host/log";
import { addRoot, revertProfile } from "../nix/profile";
import { readState, type Trial } from "../state";
import type { HomePlace } from "./home-place";
import { linksInto, putBack, removeLinksInto } from "./restore";

/** @param unchanged whether the activation changed nothing, so that only the profile has to be set back */
export async function rollBackHome(place: HomePlace, trial: Trial, unchanged: boolean): Promise<RolledBack> {
  const { home, profile, currentHome } = place;
  const { old, named } = previous(place, trial);
  if (!(await revertProfile(profile, named, trial.path === named ? undefined : trial.path)))
    return { ok: false, error: "the profile cannot be set back" };
  if (unchanged) return { ok: true };
  if (old === undefined) {
    log("nothing was deployed before: removing the links");
    removeLinksInto(home, trial.path);
    if (resolved(currentHome) === trial.path) remove(currentHome);
  } else {
    log(`going back to ${old}`);
    await cleanUpAfter(place, trial.path);
    const switched = await activateHome(old, named === old ? profile : undefined, rollbackSuffix());
    if (switched.kind === "failed") return { ok: false, error: switched.error };
  }
  putBack(home, trial.path, backupSuffix(trial));
  return { ok: true };
}

/**
 * Makes the next activation remove the links of an activation that did not end. Home Manager removes those of the generation that this
 * root names (modules/lib-bash/activation-init.sh, modules/files.nix), and an activation names itself there at its end.
 */
async function cleanUpAfter({ home, currentHome }: HomePlace, generation: string): Promise<void> {
  if (linksInto(home, generation).length === 0) return;
  const failed = await addRoot(currentHome, generation);
  if (failed !== undefined) log(failed.error);
}

/**
 * What was deployed before, and what the profile named then. If the agent has deployed nothing yet: what the user or Home Manager's NixOS
 * module had activated.
 */
function previous({ stateFolder }: HomePlace, trial: Trial): { old?: string; named?: string } {
  const { deployed } = readState(stateFolder).state;
  const old = rollbackTarget(trial, [deployed, trial.linked, trial.former], "activate");
  if (old === undefined) return {};
  const named = old === trial.linked && old !== deployed ? trial.former : old;
  return named === "" ? { old } : { old, named };
}
