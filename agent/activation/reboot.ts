/** Reboots: what needs one, and when the machine may have it. */
import { join } from "node:path";
import { needsReboot, type BootParts } from "../../rules/decision/activation";
import { rebootDecision, type RebootDecision } from "../../rules/decision/reboot";
import { isThere, readText, remove, resolved, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { peopleAtWork } from "../home/people";
import { run } from "../host/process";
import type { Trial } from "../state";
import { rebootWindows } from "../system/window";

export const currentSystem = "/run/current-system";
export const bootedSystem = "/run/booted-system";

/** Whether a system is complete only after a boot: its kernel, initrd, modules or parameters differ from the booted ones. */
export function awaitsBoot(toplevel: string): boolean {
  const booted = resolved(bootedSystem);
  if (booted === undefined || booted === resolved(toplevel)) return false;
  return needsReboot(partsOf(booted), partsOf(toplevel));
}

function partsOf(system: string): BootParts {
  const [kernel, initrd, modules] = ["kernel", "initrd", "kernel-modules"].map((part) => resolved(join(system, part)));
  return { kernel, initrd, modules, parameters: readText(join(system, "kernel-params"))?.trim() || undefined };
}

export interface RebootPlace {
  runFolder: string;
  /** What is deployed. Its settings count, because what runs may be older than these settings. */
  deployedSettings: Record<string, unknown>;
  /** What the instance metadata and the running system's settings say. */
  settings: Record<string, unknown>;
  trial: Trial | undefined;
  urgent: boolean;
}

/** Whether the machine reboots now, or what it waits for. Sends no notification and changes nothing. */
export async function decideReboot(place: RebootPlace, required: boolean): Promise<RebootDecision> {
  const { settings, trial, urgent } = place;
  const own = { ...settings, ...place.deployedSettings };
  const byWave = settings["reboot"] === "required";
  const deadline =
    byWave && typeof settings["rebootDeadline"] === "number" ? settings["rebootDeadline"] : own["rebootDeadline"];
  const since = new Date(trial?.since ?? Date.now());
  const withUsers = own["rebootWithUsers"] === true;
  return rebootDecision({
    ...{ required, allowed: own["allowReboot"] === true, byWave, firstDeployment: trial?.first === true },
    windows: required ? rebootWindows({ settings: own, urgent, person: false }, since) : [],
    users: required && !withUsers ? await peopleAtWork() : [],
    ...{ withUsers, since, now: new Date() },
    deadline: typeof deadline === "number" ? deadline * 1000 : undefined,
  });
}

/** Reboots if that is needed and allowed now. While the file says that a reboot is needed, the service's timer asks again. */
export async function rebootIfAllowed(place: RebootPlace, required: boolean): Promise<void> {
  noteRequired(place.runFolder, required);
  if (isThere("/run/systemd/shutdown/scheduled") || isThere("/run/nologin")) return;
  const decision = await decideReboot(place, required);
  if (decision.action === "none") return;
  if (decision.action === "wait") {
    log(decision.why);
    return;
  }
  const { minutes, why } = decision;
  log(`rebooting in ${minutes === 1 ? "a minute" : `${minutes} minutes`}: ${why}`);
  const message = `This machine reboots in ${minutes === 1 ? "a minute" : `${minutes} minutes`} to finish an update.`;
  await run("shutdown", ["-r", `+${minutes}`, message], { timeout: 30_000, tee: true });
}

function noteRequired(runFolder: string, required: boolean): void {
  const file = join(runFolder, "reboot-required");
  if (!required) remove(file);
  else if (!isThere(file)) writeFileAtomic(file, "");
}

/** Tells people that what was deployed waits for a reboot. */
export async function announceReboot(): Promise<void> {
  await run("wall", ["An update of this machine waits for a reboot."], { timeout: 10_000 });
}
