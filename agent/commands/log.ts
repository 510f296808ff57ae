/** `log`: the journal of an agent's runs. */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { Driver } from "../driver";
import { entries } from "../host/files";
import { log } from "../host/log";

/** Whether this user may read the machine's journal, as root and some groups may (systemd-journald(8)). */
function readsJournal(): boolean {
  const folders = ["/var/log/journal", "/run/log/journal"].flatMap((folder) =>
    (entries(folder) ?? []).map((name) => join(folder, name, "system.journal")),
  );
  return folders.some((file) => {
    try {
      accessSync(file, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Shows the journal of all runs: lines of the unit, and lines that root wrote under the service's name. The user id is part of the match,
 * because anyone can write under that name.
 */
export function showLog({ place }: Pick<Driver, "place">, words: readonly string[]): Promise<number> {
  const { service, manager } = place;
  if (manager === "system" && !readsJournal())
    log(
      "log: without root only your own lines show (sudo nixos-auto-update log); nixos-hm-auto-update log shows your home's",
    );
  const uid = manager === "system" ? 0 : process.getuid?.();
  const unit = manager === "system" ? "_SYSTEMD_UNIT" : "_SYSTEMD_USER_UNIT";
  const matches = [
    `_UID=${uid ?? 0}`,
    `SYSLOG_IDENTIFIER=${service}`,
    "+",
    `${unit}=${service}.service`,
    `_UID=${uid ?? 0}`,
  ];
  return new Promise((resolve) => {
    const child = spawn("journalctl", [...words, ...matches], { stdio: "inherit" });
    child.on("error", () => resolve(1));
    child.on("exit", (status) => resolve(status ?? 1));
  });
}
