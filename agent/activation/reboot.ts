/** Reboots: what needs one, and when the machine may have it. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { needsReboot, type BootParts } from "../../rules/decision/activation";
import { rebootDecision, type RebootDecision } from "../../rules/decision/reboot";
import { entries, isThere, readText, remove, resolved, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { peopleAtWork } from "../home/people";
import { run } from "../host/process";
import type { Trial } from "../state";
import { tellTerminals } from "./notice";
import { rebootWindows } from "../system/window";

export const currentSystem = "/run/current-system";
export const bootedSystem = "/run/booted-system";

/** Whether a store path is a system or one of its specialisations, which may run in its place. */
export function isSystemOrVariant(toplevel: string, path: string): boolean {
  if (path === toplevel || toplevel === "") return path === toplevel;
  const variants = join(toplevel, "specialisation");
  return (entries(variants) ?? []).some((name) => resolved(join(variants, name)) === path);
}

/** Whether a system is complete only after a boot: its kernel, initrd, modules or parameters differ from the booted ones. */
export function awaitsBoot(toplevel: string, booted = resolved(bootedSystem)): boolean {
  if (booted === undefined || isSystemOrVariant(resolved(toplevel) ?? "", booted)) return false;
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
  /** What keeps the machine as it is. */
  held?: string;
}

/** Whether the machine reboots now, or what it waits for. Sends no notification and changes nothing. */
export async function decideReboot(place: RebootPlace, required: boolean): Promise<RebootDecision> {
  const { runFolder, settings, trial, urgent, held } = place;
  const own = { ...settings, ...place.deployedSettings };
  const byWave = settings["reboot"] === "required";
  const deadline =
    byWave && typeof settings["rebootDeadline"] === "number" ? settings["rebootDeadline"] : own["rebootDeadline"];
  const since = requiredSince(runFolder) ?? new Date();
  const withUsers = own["rebootWithUsers"] === true;
  return rebootDecision({
    ...{ required, held, allowed: own["allowReboot"] === true, byWave, firstDeployment: trial?.first === true },
    windows: required ? rebootWindows({ settings: own, urgent, person: false }, since) : [],
    users: required && held === undefined && !withUsers ? await peopleAtWork() : [],
    ...{ withUsers, since, now: new Date() },
    deadline: typeof deadline === "number" ? deadline * 1000 : undefined,
  });
}

const scheduledShutdown = "/run/systemd/shutdown/scheduled";
/** The agent's copy of that file, which tells its own shutdown from one that a person scheduled. */
const ownShutdown = (runFolder: string) => join(runFolder, "reboot-scheduled");

/**
 * Reboots if that is needed and allowed now. While the file says that a reboot is needed, the service's timer asks again.
 * @param scheduled the file in which systemd says which shutdown is scheduled
 */
export async function rebootIfAllowed(
  place: RebootPlace,
  required: boolean,
  scheduled = scheduledShutdown,
): Promise<void> {
  noteRequired(place.runFolder, required);
  const own = readText(ownShutdown(place.runFolder));
  const calledOff = required ? place.held : "nothing needs it any more";
  if (calledOff !== undefined && own !== undefined && readText(scheduled) === own) {
    log(`calling off the reboot: ${calledOff}`);
    await run("shutdown", ["-c"], { timeout: 30_000, tee: true });
    await tellTerminals("The reboot of this machine is called off.");
    return;
  }
  if (isThere(scheduled) || isThere("/run/nologin")) return;
  const decision = await decideReboot(place, required);
  if (decision.action === "none") return;
  if (decision.action === "wait") {
    log(decision.why);
    return;
  }
  const { minutes, why } = decision;
  const when = minutes === 1 ? "a minute" : `${minutes} minutes`;
  log(`rebooting in ${when}: ${why}`);
  const message = `This machine reboots in ${when} to finish an update.`;
  await run("shutdown", ["-r", `+${minutes}`, message], { timeout: 30_000, tee: true });
  writeFileAtomic(ownShutdown(place.runFolder), readText(scheduled) ?? "");
  await tellTerminals(message);
}

const requiredFile = (runFolder: string) => join(runFolder, "reboot-required");

/** Later updates do not write the file again, so that they do not extend the deadlines. */
function noteRequired(runFolder: string, required: boolean): void {
  if (!required) remove(requiredFile(runFolder));
  else if (requiredSince(runFolder) === undefined) writeFileAtomic(requiredFile(runFolder), "");
}

/** When a reboot became required; `undefined` if none was yet, or if that is in the future, because the clock was set back. */
function requiredSince(runFolder: string): Date | undefined {
  const noted = statSync(requiredFile(runFolder), { throwIfNoEntry: false })?.mtime;
  return noted === undefined || noted > new Date() ? undefined : noted;
}

/** Tells people that what was deployed waits for a reboot. */
export async function announceReboot(): Promise<void> {
  await run("wall", ["An update of this machine waits for a reboot."], { timeout: 10_000 });
}
