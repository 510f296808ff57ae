/** The fleet's past as rollouts, each with its waves, and what people did between them. Pure. */
import { formatDuration } from "../../../rules/text/duration";
import { scopeText } from "../../../rules/text/sentences";
import type { HistoryEntry } from "../../history-entry";
import { revisionLabel } from "./text";
import { plural } from "../../../rules/text/text";

export interface TimelineWave {
  name: string;
  outcome: HistoryEntry["outcome"];
  /** Empty while it is not over. */
  took: string;
  /** `3 succeeded, 1 deferred`. */
  counts: string;
  why: string;
  failed: { vm: string; why: string }[];
}

export interface TimelineItem {
  /** RFC 3339: when it began. */
  at: string;
  by: string;
  title: string;
  outcome: HistoryEntry["outcome"];
  /** From the first gate's start to the last one's end; empty while it is open. */
  took: string;
  why: string;
  waves: TimelineWave[];
}

/** Newest first. Gates for the same revision with no other rollout between them are one rollout. */
export function timeline(history: readonly HistoryEntry[]): TimelineItem[] {
  const items: { gates: HistoryEntry[]; entry: HistoryEntry }[] = [];
  let open: { gates: HistoryEntry[]; entry: HistoryEntry } | undefined;
  for (const entry of [...history].reverse()) {
    if (entry.event !== "gate") {
      items.push({ gates: [], entry });
    } else if (open !== undefined && open.entry.revision === entry.revision) {
      open.gates.push(entry);
    } else {
      items.push((open = { gates: [entry], entry }));
    }
  }
  return items.reverse().map(({ gates, entry }) => (gates.length === 0 ? actionOf(entry) : rolloutOf(gates, entry)));
}

function actionOf(entry: HistoryEntry): TimelineItem {
  const to = entry.revision === undefined ? "" : ` ${revisionLabel(entry.revision)}`;
  return {
    at: entry.at,
    by: entry.by,
    title: `${entry.event}${to}, ${scopeText(entry.scope)}`,
    outcome: entry.outcome,
    took: "",
    why: entry.why ?? "",
    waves: [],
  };
}

function rolloutOf(gates: readonly HistoryEntry[], { revision }: HistoryEntry): TimelineItem {
  // The last word of each wave counts; an earlier one is of a run before it.
  const last = new Map(gates.map((gate) => [gate.scope, gate] as const));
  const waves = [...last].map(([scope, gate]) => waveOf(scope, gate));
  const begin = Math.min(
    ...gates.map(({ at, took, outcome }) => Date.parse(at) - (outcome === "started" ? 0 : (took ?? 0) * 1_000)),
  );
  const end = Math.max(...gates.map(({ at }) => Date.parse(at)));
  const outcomes = [...last.values()].map(({ outcome }) => outcome);
  const worst = (["failed", "interrupted", "unproved", "started"] as const).find((one) => outcomes.includes(one));
  return {
    at: Number.isFinite(begin) ? new Date(begin).toISOString() : (gates[0]?.at ?? ""),
    by: gates[0]?.by ?? "",
    title: `rollout of ${revisionLabel(revision)}`,
    outcome: worst ?? "passed",
    took: worst === "started" || !Number.isFinite(end - begin) ? "" : formatDuration((end - begin) / 1_000),
    why: [...last.values()].find(({ outcome }) => outcome === worst)?.why ?? "",
    waves,
  };
}

function waveOf(scope: string, { outcome, took, counts = {}, why, failed = {} }: HistoryEntry): TimelineWave {
  return {
    name: scope.replace(/^wave:/, ""),
    outcome,
    took: took === undefined || outcome === "started" ? "" : formatDuration(took),
    counts: Object.entries(counts)
      .map(([result, number]) => `${number} ${result}`)
      .join(", "),
    why: why ?? "",
    failed: Object.entries(failed).map(([vm, reason]) => ({ vm, why: reason })),
  };
}

/** `3 rollouts, 1 failed`, for the section's head. */
export function timelineSummary(items: readonly TimelineItem[]): string {
  const rollouts = items.filter(({ waves }) => waves.length > 0);
  const failed = rollouts.filter(({ outcome }) => outcome === "failed").length;
  return `${plural(rollouts.length, "rollout")}${failed === 0 ? "" : `, ${failed} failed`}`;
}
