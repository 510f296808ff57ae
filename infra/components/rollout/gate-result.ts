/** How a wave's gate ended, in words for people. Pure. */
import { short } from "../../../rules/contract";
import { parseObject } from "../../../rules/text/json";

/**
 * Reads what the gate printed when it last succeeded: `passed: 3 succeeded, 1 deferred`. A gate that fails prints too, but Pulumi keeps the
 * text of the last successful run. So a text about another revision means that the approved one has not passed.
 */
export function gateResult(summary: string, approved: string): string {
  const { revision, outcome, reason, succeeded, deferred, failed } = parseObject(summary) ?? {};
  // An older gate's output.
  if (typeof outcome !== "string") return "unknown";
  const counts = Object.entries({ succeeded, deferred, failed }).flatMap(([what, count]) =>
    typeof count === "number" ? [`${count} ${what}`] : [],
  );
  const parts = [counts.join(", "), ...(typeof reason === "string" ? [reason] : [])].filter((part) => part !== "");
  const ended = parts.length === 0 ? outcome : `${outcome}: ${parts.join("; ")}`;
  return typeof revision === "string" && revision !== approved
    ? `has not passed; before it ${short(revision)} ${ended}`
    : ended;
}
