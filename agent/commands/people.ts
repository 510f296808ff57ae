/** What people ask of an agent: what it would do, to stop and to go on, and what it has said. */
import { accessSync, constants } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { attempt } from "../engine";
import { unfinishedTrial } from "../activation/activation";
import { type CommonDecision, type Driver, dryRequest, type Situation } from "../driver";
import { entries, remove } from "../host/files";
import { acquireLock } from "../host/lock";
import { Exit, log, oneLine } from "../host/log";
import { removeHold, writeHold } from "../state";
import { systemctl } from "../host/systemd";
import { now } from "../host/time";

/** What an update would do now, and how the closure would change. Nothing is switched, and nothing is written down. */
export async function check<S extends Situation, D extends CommonDecision>(driver: Driver<S, D>): Promise<number> {
  const { place } = driver;
  const lock = await acquireLock(place.lockFile, "a check");
  try {
    if (unfinishedTrial(driver) !== undefined)
      throw new Exit(1, "an update was interrupted; the next run finishes it first", "NF404");
    const { well } = await attempt(driver, { ...dryRequest, right: "head" });
    remove(`${place.stateFolder}/built`);
    return well ? 0 : 1;
  } finally {
    lock.release();
  }
}

/** A run says in its report that it is held, and goes on when it is not. */
async function tellService({ place }: Pick<Driver, "place">): Promise<void> {
  await systemctl(place.manager, ["start", "--no-block", `${place.service}.service`]);
}

export async function hold(driver: Pick<Driver, "place">, words: readonly string[]): Promise<number> {
  const { program, stateFolder } = driver.place;
  const by = process.env["SUDO_USER"] ?? userInfo().username;
  try {
    writeHold(stateFolder, { by, why: oneLine(words.join(" ")), at: now() });
  } catch (error) {
    throw new Exit(
      1,
      `could not write ${stateFolder}/hold.json: ${error instanceof Error ? error.message : ""}`,
      "NF405",
    );
  }
  log(`held until "${program} resume"`);
  await tellService(driver);
  return 0;
}

export async function resume(driver: Pick<Driver, "place">): Promise<number> {
  log(removeHold(driver.place.stateFolder) ? "no longer held" : "was not held on this machine");
  await tellService(driver);
  return 0;
}

/** Whether this user may read the machine's journal, as root and its groups may (systemd-journald(8)). */
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

/** The journal of all runs: of the unit, and of what root has its service manager run under its name. Anyone may write under a name. */
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
