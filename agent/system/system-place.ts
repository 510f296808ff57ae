/** Where the system's agent keeps its files. */
import { join } from "node:path";
import { contract } from "../../rules/contract";
import type { ModuleSettings } from "../../rules/decision/decide-system";
import type { Place } from "../driver";
import { Mirror } from "../git/mirror";
import { currentSystem } from "../activation/reboot";
import { readObject } from "../host/files";

export function systemPlace(): Place {
  const stateFolder = process.env["NIXOS_AUTO_UPDATE_STATE"] ?? contract.paths.state;
  return {
    program: "nixos-auto-update",
    service: contract.units.system,
    manager: "system",
    stateFolder,
    runFolder: contract.paths.run,
    lockFile: contract.paths.lock,
    mirror: new Mirror(join(stateFolder, "mirror.git")),
    profile: "/nix/var/nix/profiles/system",
    settingsPath: contract.paths.settings.slice(1),
  };
}

/** The settings of a system's configuration, by default the running one; a machine before its first switch has none. */
export function moduleSettings(system = currentSystem): ModuleSettings {
  return readObject(join(system, contract.paths.settings)) ?? {};
}
