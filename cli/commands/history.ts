import { short } from "../../rules/contract";
import { fleetOptions, type Command } from "../command-line/command";
import { openFleet } from "../context";
import { formatDuration } from "../../rules/text/duration";
import { readHistory, withoutEnded } from "../history";
import type { HistoryEntry } from "../history-entry";
import { scopeText } from "../../rules/text/sentences";
import { renderTable, type Style } from "../command-line/table";
import { oneLine, truncate } from "../../rules/text/text";

const styles: Record<HistoryEntry["outcome"], Style> = {
  started: "yellow",
  passed: "green",
  failed: "red",
  unproved: "yellow",
  interrupted: "yellow",
  done: "gray",
};

export const command: Command = {
  name: "history",
  usage: "[--since TIME] [--limit N]",
  description: [
    "Shows the fleet's history, newest first. Gates and these commands write it to the project's log nixos-fleet.",
    "Cloud Logging keeps the log for 30 days, unless the project is configured otherwise.",
  ],
  examples: ["history", "history --since 7d", "history --json | jq -r '.[] | select(.outcome == \"failed\") | .why'"],
  options: {
    since: { value: "TIME", description: "how far to look back; 30d by default" },
    limit: {
      value: "N",
      form: { pattern: /^[1-9]\d{0,3}$/, right: "a number from 1 to 9999" },
      description: "entries to show at most; 50 by default",
    },
    json: { description: "the entries as one JSON array, with each failed VM's reason" },
    ...fleetOptions,
  },
  async run(call) {
    const since = new Date(Date.now() - call.options.duration("since", "30d") * 1_000);
    const most = Number(call.options.text("limit") ?? "50");
    const context = await openFleet(call);
    const entries = withoutEnded(await readHistory(call, context, { since, most }));
    const lines = call.options.flag("json") ? [JSON.stringify(entries, null, 2)] : historyLines(entries, call.colour);
    lines.forEach(call.print);
    return 0;
  },
};

/** The entries as people read them. */
export function historyLines(entries: readonly HistoryEntry[], colour: boolean): string[] {
  if (entries.length === 0) {
    return ["the log has no entries for that time"];
  }
  const rows = entries.map((entry) => [
    entry.at.replace("T", " ").slice(0, 16),
    truncate(entry.by, 40),
    whatText(entry),
    { text: entry.outcome, style: styles[entry.outcome] },
    truncate(howText(entry), 120),
  ]);
  return renderTable(["WHEN (UTC)", "WHO", "WHAT", "OUTCOME", "HOW"], rows, colour);
}

/** `wave canary to d4e5f6a`, `hold wave rest`. */
function whatText({ event, scope, revision }: HistoryEntry): string {
  const to = revision === undefined ? "" : `${event === "gate" ? " to" : ""} ${short(revision)}`;
  return event === "gate" ? `${scopeText(scope)}${to}` : `${event} ${scopeText(scope)}${to}`;
}

/** `1 succeeded, 2 deferred, after 14 s; 1 of 3 failed`. */
function howText({ counts = {}, took, why, failed = {} }: HistoryEntry): string {
  const counted = Object.entries(counts).map(([result, count]) => `${count} ${oneLine(result, 20)}`);
  const parts = [
    [...counted, ...(took === undefined ? [] : [`after ${formatDuration(took)}`])].join(", "),
    why ?? "",
    ...Object.entries(failed).map(([vm, reason]) => `${oneLine(vm, 63)}: ${reason}`),
  ];
  return parts.filter((part) => part !== "").join("; ");
}
