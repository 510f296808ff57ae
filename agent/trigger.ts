/** Who started this run, if no option names the requester. */
import { requester, type Requester } from "../rules/decision/run-right";
import { type RetryPlace, takeRetry } from "./retry";
import { interruptedRun } from "./serving";
import { type Manager, showUnits } from "./host/systemd";

/** Whether this is the service's own run. Only the process that systemd itself started finds its own process id there (systemd.exec). */
export function isService(): boolean {
  return process.env["SYSTEMD_EXEC_PID"] === String(process.pid);
}

/**
 * The person who ran the program, or the retry or timer that started its service, after a kill with all that the killed run served;
 * empty if something else started the service.
 */
export async function whoStarted(place: RetryPlace): Promise<Requester[]> {
  if (!isService()) return [requester("manual", process.env["SUDO_USER"])];
  const interrupted = await interruptedRun(place);
  const retry = takeRetry(place.runFolder);
  if (retry !== undefined)
    return [...interrupted, requester("retry", `itself, trying again: ${retry.why}`, retry.right)];
  switch (await firedTimer(place.manager, place.service)) {
    case "schedule":
      return [...interrupted, requester("schedule", "its schedule")];
    case "boot":
      return [...interrupted, requester("boot", "its timer after boot")];
    case undefined:
      return interrupted;
  }
}

/**
 * Which of the service's timers started this run: the one that fired since the last run ended. $TRIGGER_UNIT shows only that systemd ever
 * triggered the service: it keeps the name of the first unit that did (systemd 28939).
 */
async function firedTimer(manager: Manager, service: string): Promise<"boot" | "schedule" | undefined> {
  if ((process.env["TRIGGER_UNIT"] ?? "") === "") return undefined;
  const units = [`${service}.service`, `${service}.timer`, `${service}-schedule.timer`];
  const shown = await showUnits(manager, units, ["InactiveEnterTimestamp", "LastTriggerUSec"], ["--timestamp=us+utc"]);
  return latestTimer(
    shown[0]?.["InactiveEnterTimestamp"] ?? "",
    shown[1]?.["LastTriggerUSec"] ?? "",
    shown[2]?.["LastTriggerUSec"] ?? "",
  );
}

/** Parses times such as `Tue 2026-11-24 15:53:35.123456 UTC`; empty means never. */
export function latestTimer(ended: string, boot: string, schedule: string): "boot" | "schedule" | undefined {
  // Without its weekday, such a time sorts correctly as text.
  const [last, afterBoot, onSchedule] = [ended, boot, schedule].map((time) => time.replace(/^\S+ ?/, "")) as [
    string,
    string,
    string,
  ];
  if (onSchedule > last && onSchedule >= afterBoot) return "schedule";
  return afterBoot > last ? "boot" : undefined;
}
