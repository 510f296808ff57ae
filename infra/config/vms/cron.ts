/**
 * Times of the week in unix-cron form, `MINUTE HOUR * * DAYS`. Pure. Compute accepts more. Nights and weekends need only these, and the
 * time between two of these can be computed.
 */

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
export const WEEK = 7 * 24 * 60;

/** The minutes of the week, from Sunday 0:00 and in order, that an expression means; `undefined` if it is not an expression. */
export function minutesOfWeek(written: string): number[] | undefined {
  const [minute, hour, day, month, weekday, ...more] = written.trim().split(/\s+/);
  if (day !== "*" || month !== "*" || more.length > 0) return undefined;
  const minutes = numbers(minute, 0, 59);
  const hours = numbers(hour, 0, 23);
  const days = numbers(weekday?.toLowerCase().replace(/[a-z]+/g, dayNumber), 0, 7);
  if (!minutes || !hours || !days) return undefined;
  const all = days.flatMap((d) => hours.flatMap((h) => minutes.map((m) => ((d % 7) * 24 + h) * 60 + m)));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** The shortest time, in minutes, from one of `first` to one of `second` or back, around the week. */
export function apart(first: readonly number[], second: readonly number[]): number {
  const between = first.flatMap((a) => second.map((b) => Math.abs(a - b)));
  return Math.min(...between.map((minutes) => Math.min(minutes, WEEK - minutes)));
}

/** The number of a name in unix-cron. Any other text stays as it is, and does not parse as a number later. */
function dayNumber(name: string): string {
  const at = DAYS.indexOf(name);
  return at < 0 ? name : String(at);
}

/** `*`, or numbers and ranges separated by commas, each with an optional step: `8`, `1-5`, `8,18`, `0-59/15`. */
function numbers(field: string | undefined, least: number, most: number): number[] | undefined {
  const parts = (field ?? "").split(",").map((part) => range(part, least, most));
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

function range(part: string, least: number, most: number): number[] | undefined {
  const [whole, all, from, to, step = "1"] = /^(?:(\*)|(\d+)(?:-(\d+))?)(?:\/([1-9]\d*))?$/.exec(part) ?? [];
  const alone = all === undefined && to === undefined;
  if (whole === undefined || (alone && whole.includes("/"))) return undefined;
  const first = Number(from ?? least);
  const last = all === undefined ? Number(to ?? from) : most;
  if (first < least || last > most || first > last) return undefined;
  return Array.from({ length: Math.floor((last - first) / Number(step)) + 1 }, (_, i) => first + i * Number(step));
}
