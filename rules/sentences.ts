/** Sentences about reports and holds that several commands and the gate say. */
import { short } from "./contract";
import type { Hold } from "./control-item";
import type { Report } from "./report";
import { oneLine, truncate } from "./text";

/** A failure in one line: stage, what became of the VM, and the last thing that was said. */
export function failureText({ stage, error, rolledBack }: Pick<Report, "stage" | "error" | "rolledBack">): string {
  const last = error?.split("\n").at(-1);
  const head = `${stage ?? "update"} failed${rolledBack ? ", rolled back" : ""}`;
  return last === undefined || last === "" ? head : `${head}: ${oneLine(last, 200)}`;
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
