/** Where the system's agent keeps its files. */
import { join } from "node:path";
import { contract } from "../../rules/contract";
import type { ModuleSettings } from "../../rules/decision/decide-system";
import { parseObject } from "../../rules/text/json";
import type { Place } from "../driver";
import { readText } from "../host/files";
import { Mirror } from "../git/mirror";
import { currentSystem } from "../activation/reboot";

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

/** The settings of the running configuration; a machine before its first switch has none. */
export function moduleSettings(): ModuleSettings {
  return parseObject(readText(join(currentSystem, contract.paths.settings)) ?? "") ?? {};
}
