/** Who started this run, if no option names the requester. */
import type { Right, Trigger } from "../rules/decision/run-right";
import { takeRetry } from "./retry";
import { type Manager, showUnits } from "./host/systemd";

export interface Started {
  trigger: Trigger;
  by: string | undefined;
  /** For a retry: which revisions the repeated run was allowed to go to. */
  repeats?: Right;
}

/** The person who ran the program, or the retry or timer that started its service; `undefined` if something else started the service. */
export async function whoStarted(manager: Manager, service: string, runFolder: string): Promise<Started | undefined> {
  // Only the process that systemd itself started finds its own process id there (systemd.exec).
  if (process.env["SYSTEMD_EXEC_PID"] !== String(process.pid))
    return { trigger: "manual", by: process.env["SUDO_USER"] };
  const retry = takeRetry(runFolder);
  if (retry !== undefined) return { trigger: "retry", by: `itself, trying again: ${retry.why}`, repeats: retry.right };
  switch (await firedTimer(manager, service)) {
    case "schedule":
      return { trigger: "schedule", by: "its schedule" };
    case "boot":
      return { trigger: "boot", by: "its timer after boot" };
    case undefined:
      return undefined;
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
