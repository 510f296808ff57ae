/** Who started this run, if no option names the requester. */
import { join } from "node:path";
import { requester, type Requester } from "../rules/decision/run-right";
import { isThere, writeFileAtomic } from "./host/files";
import { type RetryPlace, takeRetry } from "./retry";
import { interruptedRun } from "./serving";
import { showUnits } from "./host/systemd";

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
  return [...interrupted, ...(await startedByTimer(place))];
}

function timer({ runFolder }: RetryPlace, fired: "boot" | "schedule" | undefined): Requester[] {
  if (fired === undefined) return [];
  return [fired === "boot" ? afterBoot(runFolder) : requester("schedule", "its schedule")];
}

/**
 * The timer after boot also fires after a switch that changes it. That is no boot, so it gives no right to the branch's head. The file that
 * says that the boot was served does not survive the boot, and a resume removes it (nix/modules/dev-vm/power.nix).
 */
function afterBoot(runFolder: string): Requester {
  const served = join(runFolder, "boot-served");
  if (isThere(served)) return { ...requester("boot", "its timer, which was restarted"), right: "approved" };
  try {
    writeFileAtomic(served, "");
  } catch {
    // Where /run is full, it counts again.
  }
  return requester("boot", "its timer after boot");
}

/**
 * Which of the service's timers started this run: the one that fired since the last run ended. $TRIGGER_UNIT shows only that systemd ever
 * triggered the service: it keeps the name of the first unit that did (systemd 28939).
 */
async function startedByTimer(place: RetryPlace): Promise<Requester[]> {
  if ((process.env["TRIGGER_UNIT"] ?? "") === "") return [];
  const { InactiveEnterTimestamp: ended, boot, schedule } = await timesOf(place, "InactiveEnterTimestamp");
  return timer(place, latestTimer(ended, boot, schedule));
}

/**
 * The timers that fire during a run: systemd drops their start of a service that runs, and the next one may be a week away. Each call
 * answers those since the last call, at first those since the run's start.
 */
export function timersDuringRun(place: RetryPlace): () => Promise<Requester[]> {
  let since: string | undefined;
  return async () => {
    const { ExecMainStartTimestamp: started, boot, schedule } = await timesOf(place, "ExecMainStartTimestamp");
    since ??= started;
    if (since === "") return [];
    const fired = latestTimer(since, boot, schedule);
    if (fired !== undefined) since = fired === "boot" ? boot : schedule;
    return timer(place, fired);
  };
}

/** A time of the service's, and when its timers fired last. */
async function timesOf<Name extends string>(
  { manager, service }: Omit<RetryPlace, "runFolder">,
  name: Name,
): Promise<Record<Name | "boot" | "schedule", string>> {
  const units = [`${service}.service`, `${service}.timer`, `${service}-schedule.timer`];
  const [run, boot, schedule] = await showUnits(manager, units, [name, "LastTriggerUSec"], {
    extra: ["--timestamp=us+utc"],
  });
  const times = { boot: boot?.["LastTriggerUSec"] ?? "", schedule: schedule?.["LastTriggerUSec"] ?? "" };
  return { ...times, [name]: run?.[name] ?? "" } as Record<Name | "boot" | "schedule", string>;
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
