/**
 * What people read when they log in. Without a failed update, or an update that needs them, it is empty; otherwise it is one line, and the
 * command that helps.
 */
import type { AgentState } from "../agent-state";
import type { Stage } from "../contract";
import { isFailing } from "../decision/repeated-failure";
import { oneLine } from "./text";

/** @returns the lines; empty if there is nothing to say */
export function loginMessage(of: "machine" | "home", state: AgentState): string[] {
  const { outcome, stage, error, rebootRequired, rolledBack, transient, waiting, repeated } = state;
  const program = of === "machine" ? "nixos-auto-update" : "nixos-hm-auto-update";
  const lines: string[] = [];
  if (outcome === "failed" && (transient !== true || isFailing(repeated))) {
    const why = oneLine(reasonLine(error ?? "", stage), 120);
    const now = rolledBack === true ? "; what ran before runs again" : "";
    lines.push(
      `The last update of this ${of} failed${stage === undefined ? "" : ` at ${stage}`}${now}${why === "" ? "" : `: ${why}`}`,
    );
    const again = of === "home" ? "; when its cause is gone: nixos-hm-auto-update run" : "";
    lines.push(`  ${program} status${again}`);
  } else if (of === "home" && outcome === "deferred") {
    lines.push(`An update of this home waits: ${oneLine(error ?? "", 120) || "see its status"}`);
    lines.push(`  ${program} status`);
  }
  if (of === "machine" && rebootRequired === true) {
    const when = waiting?.until === undefined ? "" : `; this machine reboots by itself after ${waiting.until}`;
    lines.push(`An update of this machine needs a reboot${when}`);
    lines.push("  sudo reboot, or stop and start the VM");
  }
  return lines;
}

/** The line of an error that says why. A health check's first line names the unit; what other programs print ends with the reason. */
function reasonLine(error: string, stage: Stage | undefined): string {
  const lines = error
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^refused, because|ended with status/.test(line));
  if (stage === "health") return lines[0] ?? "";
  return lines.findLast((line) => /^\s*(?:error|fatal): /.test(line)) ?? lines.at(-1) ?? error;
}
