/**
 * What people read when they log in. If nothing needs them it is empty; otherwise each thing is one line, and often the command that
 * helps.
 */
import type { AgentState } from "../agent-state";
import type { Stage } from "../contract";
import { isFailing } from "../decision/repeated-failure";
import type { Waiting } from "../report";
import { oneLine } from "./text";

const DAY = 24 * 3_600_000;

/** The hold of a home's own user. */
interface OwnHold {
  why?: string;
  at?: string;
}

/**
 * @param hold only of a home
 * @returns the lines; empty if there is nothing to say
 */
export function loginMessage(of: "machine" | "home", state: AgentState, hold: OwnHold | null = null): string[] {
  const { outcome, error, rebootRequired, waiting } = state;
  const program = of === "machine" ? "nixos-auto-update" : "nixos-hm-auto-update";
  const lines: string[] = [];
  if (hold !== null && isOlder(hold.at, state.at, 3 * DAY)) {
    const why = oneLine(hold.why ?? "", 120);
    lines.push(`This ${of} is held since ${dateOf(hold.at)}${why === "" ? "" : `: ${why}`}`);
    lines.push(`  ${program} resume ends it`);
  } else if (outcome === "failed") {
    const failed = failedLine(of, state);
    const again = of === "home" ? "; when its cause is gone: nixos-hm-auto-update run" : "";
    if (failed !== undefined) lines.push(failed, `  ${program} status${again}`);
  } else if (of === "home" && outcome === "deferred") {
    lines.push(`An update of this home waits: ${oneLine(error ?? "", 120) || "see its status"}`);
    lines.push(`  ${program} status`);
  }
  if (of === "machine" && rebootRequired === true) lines.push(...rebootLines(waiting));
  return lines;
}

/** A failure that passes by itself is shown when it has kept the update away for a day. */
function failedLine(of: "machine" | "home", state: AgentState): string | undefined {
  const { stage, error, rolledBack, transient, repeated, succeeded } = state;
  const why = oneLine(reasonLine(error ?? "", stage), 120);
  const at = stage === undefined ? "" : ` at ${stage}`;
  const reason = why === "" ? "" : `: ${why}`;
  if (transient !== true || isFailing(repeated))
    return `The last update of this ${of} failed${at}${rolledBack === true ? "; what ran before runs again" : ""}${reason}`;
  if (succeeded === undefined) return `This ${of} has never been updated; the last try failed${at}${reason}`;
  if (!isOlder(succeeded, state.at, DAY)) return undefined;
  return `This ${of} has not been updated since ${dateOf(succeeded)}; the last try failed${at}${reason}`;
}

function rebootLines(waiting: Waiting | undefined): string[] {
  const line = "An update of this machine needs a reboot";
  const until = waiting?.until;
  if (waiting?.for === "users") {
    const last = until === undefined ? "" : `, or after ${until}`;
    return [`${line}; it reboots by itself once no one is logged in${last}`];
  }
  if (waiting?.for === "window")
    return [`${line}; it reboots by itself ${until === undefined ? "in its window" : `after ${until}`}`];
  return [line, "  ask the infra team, or with sudo: reboot"];
}

/** @param now when the run ended that writes the message */
function isOlder(time: string | undefined, now: string | undefined, than: number): boolean {
  return Date.parse(now ?? "") - Date.parse(time ?? "") > than;
}

const dateOf = (time: string | undefined) => (time ?? "").slice(0, 10);

/** The line of an error that says why. A health check's first line names the unit; what other programs print ends with the reason. */
function reasonLine(error: string, stage: Stage | undefined): string {
  const lines = error
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^refused, because|ended with status/.test(line));
  if (stage === "health") return lines[0] ?? "";
  return lines.findLast((line) => /^\s*(?:error|fatal): /.test(line)) ?? lines.at(-1) ?? error;
}
