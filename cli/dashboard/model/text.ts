/** Short texts that the page's parts share. Pure. */
import { formatDuration } from "../../../rules/text/duration";

/** A revision as people read it; a VM may have written anything in its place. */
export function revisionLabel(revision: string | null | undefined): string {
  if (revision === null || revision === undefined || revision === "") return "–";
  if (revision === "previous") return "previous";
  return revision.length > 12 ? revision.slice(0, 7) : revision;
}

/** `3 min ago`, by coarse steps, so that a page that is read every few seconds does not change all the time. */
export function ago(at: string | null | undefined, now: number): string {
  const seconds = (now - Date.parse(at ?? "")) / 1_000;
  if (Number.isNaN(seconds)) return "";
  if (seconds < -60) return "in the future";
  return seconds < 60 ? "just now" : `${formatDuration(coarse(seconds))} ago`;
}

function coarse(seconds: number): number {
  const step = seconds < 3_600 ? 60 : seconds < 86_400 ? 3_600 : 86_400;
  return Math.floor(seconds / step) * step;
}

/** `2026-11-28 21:40`, UTC. */
export function minute(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "at an unknown time" : time.toISOString().slice(0, 16).replace("T", " ");
}
