/** Activates a Home Manager generation, as its user. */
import { dirname, join } from "node:path";
import { activationShortage } from "../../rules/decision/failure";
import type { Switched } from "../driver";
import { exists, makeFolder } from "../host/files";
import { howEnded, lastLines, run, succeeded } from "../host/process";
import type { Trial } from "../state";
import { setProfile } from "../nix/profile";
import { secondsFrom } from "../host/time";
import { reloadStartingManager } from "./user-manager";

const timeout = () => secondsFrom("NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT", 900);

/** What is added to the names of files that an update moves aside: always the same in one trial, so that they are found again. */
export function backupSuffix({ begun }: Pick<Trial, "begun">): string {
  return `before-update-${compactTime(begun === undefined ? new Date() : new Date(begun))}`;
}

/** What is added to the names of files that a rollback moves aside. */
export function rollbackSuffix(): string {
  return `before-rollback-${compactTime(new Date())}`;
}

/**
 * Works like the home-manager command: it sets the profile itself. In older generations the activate script sets it.
 * @param profile undefined: it stays as it is, as where Home Manager's NixOS module activates (its nixos/default.nix)
 * @param suffix what is added to the names of files that are in the way; no earlier file may have it
 */
export async function activateHome(generation: string, profile: string | undefined, suffix: string): Promise<Switched> {
  // Home Manager puts its profile in this folder only if the folder exists.
  if (profile !== undefined) makeFolder(dirname(profile));
  const driven = exists(join(generation, "gen-version"));
  if (driven && profile !== undefined) {
    const failed = await setProfile(profile, generation);
    if (failed !== undefined) return failed;
  }
  const finished = await run(join(generation, "activate"), driven ? ["--driver-version", "1"] : [], {
    env: { HOME_MANAGER_BACKUP_EXT: suffix },
    timeout: timeout(),
    grace: 30_000,
    tee: true,
  });
  if (succeeded(finished)) {
    await reloadStartingManager();
    return { kind: "done" };
  }
  const how = `activate ${howEnded(finished, timeout())}`;
  if (finished.limit !== undefined) return { kind: "failed", error: how };
  // Home Manager's last line has the reason. It stays last here, because some readers show only the last line of an error.
  const said = lastLines(finished.output, 20);
  const error = `${how}\n${said}`;
  const passes = activationShortage(said);
  return { kind: "failed", error, ...(passes === undefined ? {} : { passes }) };
}

/** 20261128-061500, in UTC: the run that ends a trial may have another time zone than the run that began it. */
function compactTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
}
