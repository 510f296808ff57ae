/**
 * How a system is activated, how the activation ended, and what is reverted after a failure. The source for what nixpkgs does is its
 * switch-to-configuration-ng (pkgs/by-name/sw/switch-to-configuration-ng/src/main.rs) and
 * nixos/modules/system/activation/pre-switch-check.nix.
 */
import { parseObject } from "../text/json";

export type ActivationMode = "live" | "boot";

/**
 * The parts of a system that change only at a boot: store paths, and the text of the parameters. Undefined: the system has no such part.
 */
export interface BootParts {
  kernel: string | undefined;
  initrd: string | undefined;
  modules: string | undefined;
  parameters: string | undefined;
}

/** Whether a running system needs a reboot to be complete. A machine that booted no system, such as a container, never does. */
export function needsReboot(booted: BootParts | undefined, system: BootParts): boolean {
  if (booted === undefined) return false;
  const { kernel, initrd, modules, parameters } = system;
  return (
    kernel !== booted.kernel ||
    initrd !== booted.initrd ||
    modules !== booted.modules ||
    parameters !== booted.parameters
  );
}

/** The answer of switch-to-configuration's action `check`; older releases do not have that action. */
type Check =
  | { kind: "passed" }
  | { kind: "failed"; output: string }
  | { kind: "absent" }
  /** It did not come to an answer, which says nothing about the system. */
  | { kind: "busy"; why: string };

/** How a process of switch-to-configuration ended. */
interface ProgramEnd {
  status: number | undefined;
  output: string;
}

/** Reads the answer of `check`. A release without that action prints its usage. `limit`: it was ended because it took too long. */
export function checkOf({ status, output, limit = false }: ProgramEnd & { limit?: boolean }): Check {
  if (limit) return { kind: "busy", why: "the pre-switch checks did not end in time" };
  if (status === 0) return { kind: "passed" };
  if (!checksFailed(output) && isLocked(status, output)) return { kind: "busy", why: otherSwitch };
  return /^usage:/im.test(output) && !/^check:/m.test(output) ? { kind: "absent" } : { kind: "failed", output };
}

/**
 * The names of the critical components that differ between two systems, read from their `switch-inhibitors`: JSON of name and value, or one
 * line each in older releases. A name that only one system has does not count. Undefined is a system without the file.
 */
export function changedInhibitors(older: string | undefined, newer: string | undefined): string[] {
  const [before, after] = [inhibitorsOf(older), inhibitorsOf(newer)];
  if (before === undefined || after === undefined) return [];
  return [...before].filter(([name, value]) => after.has(name) && after.get(name) !== value).map(([name]) => name);
}

/** Why a switch has to wait for another one. */
export const otherSwitch = "another switch-to-configuration is running";

const isLocked = (status: number | undefined, output: string): boolean =>
  status === 11 || /^Could not acquire lock/m.test(output);

const checksFailed = (output: string): boolean => /^Pre-switch checks? failed/m.test(output);

function inhibitorsOf(text: string | undefined): Map<string, string> | undefined {
  if (text === undefined) return undefined;
  const object = parseObject(text);
  if (object) return new Map(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]));
  // The older form.
  const paths = text.split("\n").filter((line) => line.trim() !== "");
  // A store path's name without its hash and version says which component it is.
  return new Map(paths.map((path) => [path.replace(/^.*\/[a-z0-9]{32}-/, "").replace(/-\d.*$/, ""), path]));
}

/** How a new system is activated, and why not live if it is not. `busy`: that is not known now. */
export function activationMode(input: {
  setting: ActivationMode;
  check: Check;
  /** The `switch-inhibitors` texts of the running and of the new system; undefined if one has no such file, as before NixOS 26.05. */
  inhibitors: { running: string | undefined; target: string | undefined };
}): { mode: "live" } | { mode: "boot" | "busy"; why: string } {
  const { setting, check, inhibitors } = input;
  if (setting === "boot") return { mode: "boot", why: "its configuration says so (activation)" };
  if (check.kind === "failed") return { mode: "boot", why: `its pre-switch checks fail: ${lastLine(check.output)}` };
  if (check.kind === "busy") return { mode: "busy", why: check.why };
  // The check takes it for a system without inhibitors.
  if (inhibitors.running === undefined && (inhibitorsOf(inhibitors.target)?.size ?? 0) > 0)
    return { mode: "boot", why: "the running system has no switch-inhibitors, which say what must not change live" };
  if (check.kind === "passed") return { mode: "live" };
  const changed = changedInhibitors(inhibitors.running, inhibitors.target);
  return changed.length === 0
    ? { mode: "live" }
    : { mode: "boot", why: `it changes ${changed.join(", ")} of the running system` };
}

function lastLine(output: string): string {
  const lines = output
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^Pre-switch checks? failed$/.test(line.trim()));
  return lines.at(-1)?.trim() ?? "no reason given";
}

type SwitchEnd =
  /** It is active; the health check judges units that failed. */
  | { kind: "active" }
  /** It is active after a reboot. */
  | { kind: "needs reboot" }
  /** Another switch runs; nothing was changed. */
  | { kind: "busy" }
  /** Its pre-switch checks failed; nothing was changed. */
  | { kind: "refused" }
  /** The boot loader could not be installed. `space`: its file system is full, which is a transient failure. */
  | { kind: "boot loader"; space: boolean }
  /** A user logged out while it asked about them. It had changed the machine and stopped half way; another run completes it. */
  | { kind: "user left" }
  | { kind: "failed" };

/** Between its list of users and its question about one of them, logind has forgotten that user. */
const userLeft = /^Error: Failed to get (?:GID|runtime directory) for /m;

/**
 * How switch-to-configuration ended. The exit statuses are: 1 checks, boot loader or an error of its own, 2 activation, 4 units, 11 the
 * lock, 100 the init interface. It can also exit with any errno, so its output counts first.
 */
export function switchEnd({ status, output }: ProgramEnd): SwitchEnd {
  if (status === 0) return { kind: "active" };
  const activated = /^activating the configuration/m.test(output);
  if (!activated && checksFailed(output)) return { kind: "refused" };
  if (!activated && /^Failed to install bootloader/m.test(output))
    return { kind: "boot loader", space: /No space left on device/.test(output) };
  if (!activated && isLocked(status, output)) return { kind: "busy" };
  if (!activated && status === 100) return { kind: "needs reboot" };
  // Status 4 replaces status 2 if a unit failed as well.
  if (/^Failed to run activate script/m.test(output)) return { kind: "failed" };
  if (activated && status === 1 && userLeft.test(output)) return { kind: "user left" };
  return status === 4 ? { kind: "active" } : { kind: "failed" };
}

/**
 * How a machine goes back to a system. If the new system was only to run after the next boot, the old one still runs unchanged, and only
 * the boot loader has to change. A live switch that stopped half way has already changed units and /etc, whichever system counts as
 * running.
 */
export function rollbackAction(trial: { mode: "switch" | "boot"; running: string; former: string }): "switch" | "boot" {
  return trial.mode === "boot" && trial.running === trial.former ? "boot" : "switch";
}
