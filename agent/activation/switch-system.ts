/** switch-to-configuration, as the system's driver runs it. */
import { join } from "node:path";
import { activationMode, checkOf, otherSwitch, switchEnd } from "../../rules/decision/activation";
import { contract } from "../../rules/contract";
import type { Switched } from "../driver";
import { exists, readText, readObject } from "../host/files";
import { log } from "../host/log";
import { howEnded, lastLines, run, succeeded } from "../host/process";
import { currentSystem } from "./reboot";
import { secondsFrom } from "../host/time";
import { withSwitchLock } from "./switch-lock";
import { boundUserUnits } from "./user-units";

const timeout = () => secondsFrom("NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT", 900);
const programOf = (toplevel: string) => `${toplevel}/bin/switch-to-configuration`;

/**
 * The variable by which a tool says that it means to change the host name: srvos' pre-switch check detectHostnameChange asks at the
 * terminal otherwise, and an image has another name than its machine's configuration.
 */
function environmentOf(toplevel: string): Record<string, string> {
  const hostName = readText(join(toplevel, "etc/hostname"))?.trim() ?? "";
  return hostName === "" ? {} : { EXPECTED_HOSTNAME: hostName };
}

/** Runs it, and says how it ended. If a user who logged out ended it half way, it runs again, one time. */
export async function switchToConfiguration(toplevel: string, action: "test" | "boot"): Promise<Switched> {
  const first = await runOnce(toplevel, action);
  if (first.kind !== "user left") return first;
  log("a user who logged out ended the switch half way; switching again");
  const second = await runOnce(toplevel, action);
  if (second.kind === "user left") return { kind: "failed", error: second.error, passes: "busy" };
  if (second.kind !== "failed") return second;
  // The first run has changed the machine.
  const { unchanged: _, ...failed } = second;
  return failed;
}

type End = Switched | { kind: "user left"; error: string };

function runOnce(toplevel: string, action: "test" | "boot"): Promise<End> {
  return withSwitchLock(
    () => runProgram(toplevel, action),
    (end) => end.kind === "failed" && end.error === otherSwitch,
  );
}

async function runProgram(toplevel: string, action: "test" | "boot"): Promise<End> {
  const program = programOf(toplevel);
  const words = [...(await inhibitor()), program, action];
  let unwatch = (): boolean => false;
  const started = (pid: number) => {
    unwatch = boundUserUnits(pid, program);
  };
  const finished = await run(words[0] ?? program, words.slice(1), {
    env: environmentOf(toplevel),
    timeout: timeout(),
    grace: 30_000,
    tee: true,
    started,
  });
  const waitedForUsers = unwatch();
  const { status, limit, output } = finished;
  const how = `switch-to-configuration ${howEnded(finished, timeout())}`;
  // Whether a revision is refused is not for users to decide.
  if (limit !== undefined && waitedForUsers)
    return { kind: "failed", error: `${how}, also because units of users did not settle`, passes: "users" };
  if (limit !== undefined) return { kind: "failed", error: how };
  const error = `${lastLines(output, 20)}\n${how}`;
  const end = switchEnd({ status, output });
  switch (end.kind) {
    case "active":
      return { kind: "done" };
    case "busy":
      return { kind: "failed", error: otherSwitch, passes: "busy", unchanged: true };
    case "needs reboot":
      return { kind: "needs reboot" };
    case "refused":
      // A system that is set for the next boot is not checked for what matters only to a live switch.
      return action === "test" ? { kind: "needs reboot" } : { kind: "failed", error };
    case "boot loader":
      return { kind: "failed", error, ...(end.space ? { passes: "space" as const } : {}) };
    case "user left":
      return { kind: "user left", error };
    case "failed":
      return { kind: "failed", error };
  }
}

/** How to activate a system: its own settings, its pre-switch checks, and the inhibitors of both systems. */
export async function modeOf(toplevel: string, running = currentSystem): Promise<ReturnType<typeof activationMode>> {
  const settings = readObject(join(toplevel, contract.paths.settings)) ?? {};
  const check = await withSwitchLock(
    () => checkSystem(toplevel),
    (end) => end.kind === "busy" && end.why === otherSwitch,
  );
  const decision = activationMode({
    setting: settings["activation"] === "boot" ? "boot" : "live",
    check,
    // A machine without a system has nothing that must not change live.
    inhibitors: { running: exists(running) ? inhibitorsOf(running) : "", target: inhibitorsOf(toplevel) },
  });
  if (decision.mode === "boot") log(`the next boot activates it: ${decision.why}`);
  return decision;
}

async function checkSystem(toplevel: string): Promise<ReturnType<typeof checkOf>> {
  const finished = await run(programOf(toplevel), ["check"], { env: environmentOf(toplevel), timeout: timeout() });
  return checkOf({ ...finished, limit: finished.limit !== undefined });
}

function inhibitorsOf(system: string): string | undefined {
  const file = join(system, "switch-inhibitors");
  return exists(file) ? (readText(file) ?? "") : undefined;
}

/**
 * The command to run it by, so that a shutdown gives it the time of InhibitDelayMaxSec in logind.conf; empty if logind does not
 * answer.
 */
async function inhibitor(): Promise<string[]> {
  const command = [
    "systemd-inhibit",
    ...["--what=shutdown", "--mode=delay", "--who=nixos-auto-update", "--why=an update is being switched to"],
  ];
  const [program = "", ...args] = command;
  return succeeded(await run(program, [...args, "true"], { timeout: 10_000 })) ? command : [];
}
