/** Where a home's agent keeps its files, for the user that it runs as. */
import { statSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { contract } from "../../rules/contract";
import type { Place } from "../driver";
import { exists } from "../host/files";
import { Mirror } from "../git/mirror";

/** Where root tells homes what to run. */
export const homesFile = contract.paths.homes;

/** When root last did, in milliseconds; undefined if it never did. */
export const homesPublishedAt = (): number | undefined => statSync(homesFile, { throwIfNoEntry: false })?.mtimeMs;

export interface HomePlace extends Place {
  currentHome: string;
  home: string;
  user: string;
}

export function homePlace(): HomePlace {
  const { username, homedir, uid } = userInfo();
  const home = process.env["HOME"] ?? homedir;
  const stateHome = process.env["XDG_STATE_HOME"] ?? join(home, ".local/state");
  const stateFolder = join(stateHome, contract.paths.homeState);
  const runtime = process.env["XDG_RUNTIME_DIR"] ?? `/run/user/${uid}`;
  // Activation scripts and systemctl need these variables, however this process was started.
  process.env["XDG_RUNTIME_DIR"] = runtime;
  process.env["USER"] ??= username;
  return {
    program: "nixos-hm-auto-update",
    service: contract.units.home,
    manager: "user",
    stateFolder,
    // Without a manager of the user's there is no folder for files that a reboot may delete.
    runFolder: exists(runtime) ? join(runtime, contract.paths.homeState) : join(stateFolder, "run"),
    lockFile: join(stateFolder, "lock"),
    mirror: new Mirror(join(stateFolder, "mirror.git")),
    profile: join(stateHome, "nix/profiles/home-manager"),
    settingsPath: `home-files/.config/${contract.paths.homeSettings}`,
    currentHome: join(stateHome, "home-manager/gcroots/current-home"),
    home,
    user: process.env["USER"],
  };
}
