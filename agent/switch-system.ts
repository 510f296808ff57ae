/** switch-to-configuration, as the system's driver runs it. */
import type { Switched } from "./driver";
import { run, succeeded } from "./process";
import { secondsFrom } from "./time";

const timeout = () => secondsFrom("NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT", 900);

/**
 * Runs it. Its exit codes: 1 checks or boot loader, 2 activation, 4 the system is active but units failed, which is for its health to
 * judge; 11 another one runs; 100 it is active after a reboot. A check that fails may end it with any of them.
 */
export async function switchToConfiguration(toplevel: string, action: "test" | "switch" | "boot"): Promise<Switched> {
  const program = `${toplevel}/bin/switch-to-configuration`;
  const inhibit = await inhibitor();
  const [command = program, ...before] = inhibit;
  const args = inhibit.length === 0 ? [action] : [...before, program, action];
  const finished = await run(command, args, { timeout: timeout(), grace: 30_000, tee: true });
  const { status, limit, output } = finished;
  if (limit !== undefined)
    return { kind: "failed", error: `the switch did not end within ${Math.round(timeout() / 1000)} s` };
  const error = [
    ...output.trimEnd().split("\n").slice(-20),
    `switch-to-configuration ended with status ${status ?? finished.signal ?? "none"}`,
  ].join("\n");
  if (status !== 0 && /Pre-switch checks? failed/.test(output)) return { kind: "failed", error };
  switch (status) {
    case 0:
    case 4:
      return { kind: "done" };
    case 11:
      return { kind: "failed", error: "another switch-to-configuration is running", busy: true };
    case 100:
      return { kind: "needs reboot" };
    default:
      return { kind: "failed", error };
  }
}

/**
 * What to run it by, so that a shutdown gives it the time that logind.conf's InhibitDelayMaxSec says; nothing where logind does not
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
