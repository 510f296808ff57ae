/** Words and sentences about reports and holds that several commands, the page and the gate have. */
import { short, type Drift } from "../contract";
import type { Hold } from "../rollout/control-item";
import type { Failing, Report, WaitingFor } from "../report";
import { own } from "./json";
import { oneLine, truncate } from "./text";

/** A failure in one line: stage, whether it was rolled back, and the last line of the error. */
export function failureText({
  stage,
  error,
  rolledBack,
  failing,
}: Pick<Report, "stage" | "error" | "rolledBack" | "failing">): string {
  const last = error?.split("\n").at(-1);
  const verb = failing === undefined ? "failed" : "keeps failing";
  const head = `${stage ?? "update"} ${verb}${rolledBack ? ", rolled back" : ""}`;
  return last === undefined || last === "" ? head : `${head}: ${oneLine(last, 200)}`;
}

/** How often it failed in the same way, and when it tries again. */
export function failingText({ tries, since, nextTry }: Failing): string {
  return oneLine(
    `${tries} times since ${since}; tries again at boot, for another revision, when a person asks, or after ${nextTry}`,
    200,
  );
}

const waitingFor: Record<WaitingFor, string> = {
  window: "its window",
  users: "users to log out",
  reboot: "a reboot",
  space: "disk space",
  network: "the network",
  metadata: "its metadata to match the approval",
  turn: "its turn",
};

/** What a finished update still waits for. @param what may be a word of a newer agent */
export function waitsFor(what: string): string {
  return `waits for ${own(waitingFor, what) ?? what}`;
}

/** A hold in one line: what, by whom, why. */
export function holdText({ scope, revision, by, why }: Hold): string {
  const against = revision === undefined ? "" : ` against ${short(revision)}`;
  return oneLine(`${scopeText(scope)} held${against} by ${by}: ${truncate(why, 200)}`, 300);
}

/** What a hold is about, in words. */
export function scopeText(scope: string): string {
  return scope === "fleet" ? "the fleet" : scope.replace(/^vm:/, "VM ").replace(/^wave:/, "wave ");
}

/** `wave rest`, `waves canary, rest`. */
export function wavesText(waves: readonly string[]): string {
  return `wave${waves.length === 1 ? "" : "s"} ${waves.join(", ")}`;
}

/** What people call each drift. */
export const driftWord: Record<Drift, string> = {
  failed: "failed",
  unknown: "unknown",
  behind: "behind",
  held: "held",
  waiting: "waiting",
  ahead: "ahead",
  none: "current",
  stopped: "stopped",
};
