/** Automatic retries of a run that ended for a transient reason: soon at first, then less and less often. */
import { join } from "node:path";
import { exists, readText, remove, writeFileAtomic } from "./host/files";
import { log, oneLine } from "./host/log";
import { retryDelay } from "../rules/decision/retry-delay";
import type { Right } from "../rules/decision/run-right";
import { type Manager, systemctl, systemdRun } from "./host/systemd";
import { secondsFrom } from "./host/time";

/** Seconds that systemd-run may take, and more. */
const NEAR = 60;

export interface RetryPlace {
  manager: Manager;
  /** The service's name, without its suffix. */
  service: string;
  runFolder: string;
}

interface Retry {
  why: string;
  right: Right;
}

/**
 * After a run: arranges the next try, if there is a reason for one, or ends the retries. A run that may go only to an approved revision has
 * not done the work of a retry that may go to the branch's head, so that retry stays and does the work of both.
 * @param at when the reason passes, if that is known
 */
export async function arrangeRetry(
  place: RetryPlace,
  { right, once }: { right: Right; once: boolean },
  why: string | undefined,
  at?: Date,
): Promise<void> {
  const owed = right === "approved" ? pendingRetry(place.runFolder) : undefined;
  if (why === undefined) await retryNoMore(place);
  if (once) return;
  if (owed?.right === "head") await retryLater(place, why ?? owed.why, "head");
  else if (why !== undefined) await retryLater(place, why, right, at);
}

/**
 * Makes systemd start the service later. A file counts the retries in a row and stores the reason of the last one. The timer's name
 * differs each time, since the retry that led here may not have ended yet.
 */
async function retryLater(
  { manager, service, runFolder }: RetryPlace,
  why: string,
  right: Right,
  at?: Date,
): Promise<void> {
  const file = join(runFolder, "retry");
  const count = retriesSoFar(file);
  const delay = retryDelay(count, secondsFrom("NIXOS_AUTO_UPDATE_RETRY", 15) / 1000, Math.random());
  const timer = at === undefined ? timerAfter(delay) : timerAt(at.getTime() / 1000, Date.now() / 1000, Math.random());
  try {
    writeFileAtomic(file, `${count + 1} ${oneLine(why)}`);
    writeFileAtomic(join(runFolder, "retry-right"), right);
  } catch {
    // Without the file, the next delay is the initial one again.
  }
  await systemctl(manager, ["stop", `${service}-retry-*.timer`]);
  const due = join(runFolder, "retry-due");
  const flags = manager === "user" ? ["--user"] : [];
  const started = await systemdRun(
    manager,
    [
      `--unit=${service}-retry-${count % 100}-${process.pid}`,
      "--description=Try the update again",
      timer.option,
      "--timer-property=AccuracySec=1s",
      `--property=SyslogIdentifier=${service}`,
      `--setenv=PATH=${process.env["PATH"] ?? ""}`,
    ],
    // The run that this starts finds the file and so knows that it is a retry.
    [
      "sh",
      "-c",
      ': >"$1"; shift; exec "$@"',
      "retry",
      due,
      "systemctl",
      ...flags,
      "start",
      "--no-block",
      `${service}.service`,
    ],
  );
  if (started) log(`trying again ${timer.when}: ${oneLine(why)}`);
}

/** How systemd-run is asked for a time, and the time for people. */
interface Timer {
  option: string;
  when: string;
}

function timerAfter(seconds: number): Timer {
  return { option: `--on-active=${seconds}`, when: `in ${seconds} s` };
}

/**
 * A timer of the clock's for a moment, since one of seconds stands still while the machine is suspended. A moment that is past by the time
 * systemd reads it never comes, so a near one is waited for in seconds. All in seconds; not all VMs of a window come at the same one.
 */
function timerAt(moment: number, now: number, random: number): Timer {
  const due = Math.ceil(moment + random * 30);
  if (due < now + NEAR) return timerAfter(Math.max(1, Math.ceil(due - now)));
  const time = `${new Date(due * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return { option: `--on-calendar=${time}`, when: `at ${time}` };
}

async function retryNoMore({ manager, service, runFolder }: RetryPlace): Promise<void> {
  if (!exists(join(runFolder, "retry"))) return;
  for (const name of ["retry", "retry-due", "retry-right"]) remove(join(runFolder, name));
  await systemctl(manager, ["stop", `${service}-retry-*.timer`]);
}

/** Why this run is a retry, and where the repeated run was allowed to go; `undefined` if this run is not a retry. */
export function takeRetry(runFolder: string): Retry | undefined {
  const due = join(runFolder, "retry-due");
  if (!exists(due)) return undefined;
  remove(due);
  // Without it, its timer fired while another run ended well, and there is nothing left to repeat.
  return pendingRetry(runFolder) ?? { why: "it was called off", right: "approved" };
}

function pendingRetry(runFolder: string): Retry | undefined {
  const retry = readText(join(runFolder, "retry"));
  if (retry === undefined) return undefined;
  const why = oneLine(retry.replace(/^\d+ /, ""));
  // Older agents wrote no permission: each of their runs went to the branch's head.
  return { why, right: readText(join(runFolder, "retry-right")) === "approved" ? "approved" : "head" };
}

function retriesSoFar(file: string): number {
  const count = Number(/^\d{1,6}/.exec(readText(file) ?? "")?.[0] ?? 0);
  return Number.isSafeInteger(count) ? count : 0;
}
