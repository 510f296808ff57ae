/**
 * How a system is activated, how that went, and what goes back after a failure. What nixpkgs does is in its switch-to-configuration-ng
 * (pkgs/by-name/sw/switch-to-configuration-ng/src/main.rs) and nixos/modules/system/activation/pre-switch-check.nix.
 */
import { parseObject } from "../text/json";

export type ActivationMode = "live" | "boot";

/** The parts of a system that only a boot brings: store paths, and the parameters' text. Undefined is a part that it does not have. */
export interface BootParts {
  kernel: string | undefined;
  initrd: string | undefined;
  modules: string | undefined;
  parameters: string | undefined;
}

/** Whether a system that runs needs a reboot to be whole. A machine that booted no system, as a container, never does. */
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

/** What switch-to-configuration's action `check` answered; older releases do not know it. */
type Check = { kind: "passed" } | { kind: "failed"; output: string } | { kind: "absent" };

/** Reads what `check` answered. Without that action the program prints its usage. */
export function checkOf({ status, output }: { status: number | undefined; output: string }): Check {
  if (status === 0) return { kind: "passed" };
  return /^usage:/im.test(output) && !/^check:/m.test(output) ? { kind: "absent" } : { kind: "failed", output };
}

/**
 * The critical components, by name, in which two systems differ, by the text of their `switch-inhibitors`: JSON of name and value, or in
 * older releases a line each. A name that only one of them has does not count. Undefined is a system without the file.
 */
export function changedInhibitors(older: string | undefined, newer: string | undefined): string[] {
  const [before, after] = [inhibitorsOf(older), inhibitorsOf(newer)];
  if (before === undefined || after === undefined) return [];
  return [...before].filter(([name, value]) => after.has(name) && after.get(name) !== value).map(([name]) => name);
}

function inhibitorsOf(text: string | undefined): Map<string, string> | undefined {
  if (text === undefined) return undefined;
  const object = parseObject(text);
  if (object) return new Map(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]));
  // The older form.
  const paths = text.split("\n").filter((line) => line.trim() !== "");
  // A store path's name without its hash and version says which component it is.
  return new Map(paths.map((path) => [path.replace(/^.*\/[a-z0-9]{32}-/, "").replace(/-\d.*$/, ""), path]));
}

/** How a new system is activated, and why not live. */
export function activationMode(input: {
  setting: ActivationMode;
  check: Check;
  /** Texts of `switch-inhibitors` of the running and of the new system. */
  inhibitors: { running: string | undefined; target: string | undefined };
}): { mode: "live" } | { mode: "boot"; why: string } {
  const { setting, check, inhibitors } = input;
  if (setting === "boot") return { mode: "boot", why: "its configuration says so (activation)" };
  if (check.kind === "failed") return { mode: "boot", why: `its pre-switch checks fail: ${lastLine(check.output)}` };
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
  /** It is active; units that failed are for its health to judge. */
  | { kind: "active" }
  /** It is active after a reboot. */
  | { kind: "needs reboot" }
  /** Another switch runs; nothing was changed. */
  | { kind: "busy" }
  /** Its pre-switch checks failed; nothing was changed. */
  | { kind: "refused" }
  /** The boot loader could not be installed; `space`: its file system is full, which passes. */
  | { kind: "boot loader"; space: boolean }
  | { kind: "failed" };

/**
 * How switch-to-configuration ended: 1 checks or boot loader, 2 activation, 4 units, 11 the lock, 100 the init interface. It can also end
 * with any errno, so what it printed counts first.
 */
export function switchEnd({ status, output }: { status: number | undefined; output: string }): SwitchEnd {
  if (status === 0) return { kind: "active" };
  const activated = /^activating the configuration/m.test(output);
  if (!activated && /^Pre-switch checks? failed/m.test(output)) return { kind: "refused" };
  if (!activated && /^Failed to install bootloader/m.test(output))
    return { kind: "boot loader", space: /No space left on device/.test(output) };
  if (!activated && (status === 11 || /^Could not acquire lock/m.test(output))) return { kind: "busy" };
  if (!activated && status === 100) return { kind: "needs reboot" };
  return status === 4 ? { kind: "active" } : { kind: "failed" };
}

/**
 * How a machine goes back to a system. Where that was only to run after the next boot, the former one still runs untouched, and only the
 * boot loader has to change. A live switch that ended half way has changed units and /etc, whatever is said to run.
 */
export function rollbackAction(trial: { mode: "switch" | "boot"; running: string; former: string }): "switch" | "boot" {
  return trial.mode === "boot" && trial.running === trial.former ? "boot" : "switch";
}
