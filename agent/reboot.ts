/** Reboots: what needs one, and when the machine may have it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, parseObject } from "../rules/json";
import { exists, isThere, readText, resolved } from "./files";
import { log } from "./log";
import { run } from "./process";

export const currentSystem = "/run/current-system";
export const bootedSystem = "/run/booted-system";

/**
 * Whether only a reboot brings a system up: another kernel than the booted one, or something that nixpkgs says must not change under a
 * running system.
 */
export function needsBoot(toplevel: string): boolean {
  const booted = resolved(bootedSystem);
  if (booted === undefined || booted === resolved(toplevel)) return false;
  for (const part of ["kernel", "initrd", "kernel-modules"])
    if (resolved(join(booted, part)) !== resolved(join(toplevel, part))) return true;
  const parameters = "kernel-params";
  if (exists(join(toplevel, parameters)) && bytes(join(booted, parameters)) !== bytes(join(toplevel, parameters)))
    return true;
  return inhibitorsDiffer(join(currentSystem, "switch-inhibitors"), join(toplevel, "switch-inhibitors"));
}

function bytes(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}

/** { name: value }; a name that only one of them has does not concern the other. */
function inhibitorsDiffer(older: string, newer: string): boolean {
  const [before, after] = [older, newer].map((file) => parseObject(readText(file) ?? ""));
  if (before === undefined || after === undefined) return false;
  return Object.entries(before).some(([name, value]) => Object.hasOwn(after, name) && after[name] !== value);
}

/** Reboots where that is needed and allowed now; the service's timer asks again. */
export async function rebootIfAllowed(settings: Record<string, unknown>, needed: boolean): Promise<void> {
  if (settings["allowReboot"] !== true || !needed) return;
  if (isThere("/run/systemd/shutdown/scheduled") || isThere("/run/nologin")) return;
  const window = rebootWindow(settings["rebootWindow"]);
  if (window !== undefined && !isInWindow(window, timeOfDay())) {
    log(`a reboot is required; waiting for ${window.lower} to ${window.upper}`);
    return;
  }
  const users = settings["rebootWithUsers"] === true ? [] : await loggedInUsers();
  if (users.length > 0) {
    log(`a reboot is required; waiting until nobody is logged in (now: ${users.join(" ")})`);
    return;
  }
  log("rebooting, because what was deployed needs it");
  const message = "This machine reboots in a minute to finish an update.";
  await run("shutdown", ["-r", "+1", message], { timeout: 30_000, tee: true });
}

interface Window {
  /** HH:MM */
  lower: string;
  upper: string;
}

function rebootWindow(value: unknown): Window | undefined {
  if (!isObject(value)) return undefined;
  const { lower, upper } = value;
  return typeof lower === "string" && typeof upper === "string" ? { lower, upper } : undefined;
}

/** HH:MM texts compare as times do; a window may go over midnight. */
export function isInWindow({ lower, upper }: Window, time: string): boolean {
  return lower < upper ? time >= lower && time < upper : time >= lower || time < upper;
}

/** HH:MM, in the machine's time zone. */
function timeOfDay(): string {
  const date = new Date();
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** Who is logged in, at a terminal, by ssh or at a desktop; managers that linger are nobody. */
async function loggedInUsers(): Promise<string[]> {
  const listed = await run("loginctl", ["list-sessions", "--no-legend"], { timeout: 30_000 });
  const sessions = listed.stdout.split("\n").flatMap((line) => /^\s*(\S+)/.exec(line)?.[1] ?? []);
  const users = await Promise.all(sessions.map(userOf));
  return [...new Set(users.flatMap((user) => user ?? []))].sort();
}

async function userOf(session: string): Promise<string | undefined> {
  const properties = ["--property=Class", "--property=Name", "--property=State"];
  const { stdout } = await run("loginctl", ["show-session", session, ...properties], { timeout: 30_000 });
  if (!/^Class=user$/m.test(stdout) || /^State=closing$/m.test(stdout)) return undefined;
  return /^Name=(.+)$/m.exec(stdout)?.[1];
}

/** Tells people that what was deployed waits for a reboot. */
export async function announceReboot(): Promise<void> {
  await run("wall", ["An update of this machine waits for a reboot."], { timeout: 10_000 });
}
