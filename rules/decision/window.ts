/**
 * Windows: the times of the week in which a VM activates updates and reboots by itself. A range is `Mon..Fri 22:00-05:00 Europe/Berlin`:
 * weekdays as in systemd.time(7), from and to, and a time zone; without weekdays it is every day, without a zone the machine's. The
 * weekdays are those on which the range begins; it may go over midnight.
 */

export interface WindowRange {
  /** 0 is Sunday, as in `Date`. */
  days: readonly number[];
  /** Minutes since midnight. `to` is at most 24 hours; it is not after `from` if the range goes over midnight. */
  from: number;
  to: number;
  /** IANA name; undefined is the machine's own. */
  zone?: string;
}

/** A VM's window as its settings have it. Without ranges it is always open. */
interface UpdateWindow {
  ranges: readonly WindowRange[];
  /** Which range cannot be read, and why. Left out, it would open the VM at every time, so it closes the window. */
  unreadable?: string;
}

export type WindowState =
  | { open: true }
  /** `until`: when the update continues at the latest, as far as that is known. `unreadable`: which range keeps the window closed. */
  | { open: false; until?: Date; unreadable?: string };

const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const minute = 60_000;
const week = 7 * 24 * 60 * minute;
const shape = /^(?:([a-z.,]+)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})(?:\s+([A-Za-z][\w+/-]*))?$/i;

/** Reads a range. @throws with one line that says what is expected */
export function parseRange(text: string): WindowRange {
  const wrong = (why: string) =>
    new Error(`window ${JSON.stringify(text)}: ${why}; expected such as "Mon..Fri 22:00-05:00" or "03:00-05:00 UTC"`);
  const match = shape.exec(text.trim());
  if (match === null) throw wrong("not a range");
  const [, days, fromHour, fromMinute, toHour, toMinute, zone] = match;
  const [from, to] = [minutesOf(fromHour, fromMinute), minutesOf(toHour, toMinute)];
  if (from === undefined || to === undefined || from === 24 * 60) throw wrong("not a time of day");
  if (from === to) throw wrong("it ends where it begins");
  const parsed = days === undefined ? [0, 1, 2, 3, 4, 5, 6] : daysOf(days);
  if (parsed === undefined) throw wrong(`unknown weekday in ${JSON.stringify(days)}`);
  if (zone !== undefined && !isZone(zone)) throw wrong(`unknown time zone ${JSON.stringify(zone)}`);
  return { days: parsed, from, to, ...(zone === undefined ? {} : { zone }) };
}

/** Reads the setting `window`. */
export function parseWindow(value: unknown): UpdateWindow {
  if (value === undefined || value === null) return { ranges: [] };
  if (!Array.isArray(value)) return { ranges: [], unreadable: `window ${JSON.stringify(value)}: not a list of ranges` };
  try {
    return { ranges: value.map((text) => parseRange(String(text))) };
  } catch (error) {
    return { ranges: [], unreadable: error instanceof Error ? error.message : String(error) };
  }
}

/** Reads the setting `rebootWindow`: `{ lower, upper }`, each HH:MM. */
export function parseRebootWindow(value: unknown): UpdateWindow {
  if (value === undefined || value === null) return { ranges: [] };
  const { lower, upper } = value as Record<string, unknown>;
  return parseWindow([`${String(lower)}-${String(upper)}`]);
}

function minutesOf(hour = "", rest = ""): number | undefined {
  const minutes = Number(hour) * 60 + Number(rest);
  return Number(rest) < 60 && minutes <= 24 * 60 ? minutes : undefined;
}

function daysOf(text: string): number[] | undefined {
  const days = text.split(",").map((part) => {
    const [first, last = first, more] = part.split("..").map(dayOf);
    if (first === undefined || last === undefined || more !== undefined) return undefined;
    return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, index) => (first + index) % 7);
  });
  return days.includes(undefined) ? undefined : [...new Set(days.flatMap((part) => part ?? []))].sort();
}

/** Three letters or the whole name. */
function dayOf(name: string): number | undefined {
  const day = weekdays.indexOf(name.slice(0, 3).toLowerCase());
  const whole = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"][day];
  return whole !== undefined && [whole, whole.slice(0, 3)].includes(name.toLowerCase()) ? day : undefined;
}

function isZone(zone: string): boolean {
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** Whether any of the ranges covers a moment. */
export function isInWindow(ranges: readonly WindowRange[], at: Date): boolean {
  return ranges.some((range) => covers(range, localTime(at, range.zone)));
}

interface LocalTime {
  day: number;
  minutes: number;
}

function covers({ days, from, to }: WindowRange, { day, minutes }: LocalTime): boolean {
  if (from < to) return days.includes(day) && minutes >= from && minutes < to;
  if (minutes >= from) return days.includes(day);
  return minutes < to && days.includes((day + 6) % 7);
}

function localTime(at: Date, zone: string | undefined): LocalTime {
  if (zone === undefined) return { day: at.getDay(), minutes: at.getHours() * 60 + at.getMinutes() };
  const parts = formatterOf(zone).formatToParts(at);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? "";
  return { day: dayOf(part("weekday")) ?? 0, minutes: Number(part("hour")) * 60 + Number(part("minute")) };
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const options = { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const made = new Intl.DateTimeFormat("en-US", options);
  formatters.set(zone, made);
  return made;
}

/**
 * When the window opens next: `at` itself if it is open, else the first whole minute. Undefined if no range covers a moment of the next
 * week, such as a range that the clocks skip.
 */
export function nextOpening(ranges: readonly WindowRange[], at: Date): Date | undefined {
  if (isInWindow(ranges, at)) return at;
  const candidates = ranges.flatMap((range) => openingOf(range, at) ?? []);
  return candidates.sort((a, b) => a.getTime() - b.getTime())[0];
}

/**
 * The first minute after a moment that a range covers. It checks the start of each range first, and single minutes around clock changes.
 */
function openingOf(range: WindowRange, at: Date): Date | undefined {
  const first = Math.floor(at.getTime() / minute) * minute + minute;
  for (let time = first; time <= first + week + 24 * 60 * minute;) {
    const local = localTime(new Date(time), range.zone);
    if (covers(range, local)) return new Date(time);
    const wait = (range.from - local.minutes + 24 * 60) % (24 * 60);
    // A clock change is at most three hours: each minute nearer than that is checked.
    time += Math.max(1, wait > 180 ? wait - 180 : Math.min(wait, 1)) * minute;
  }
  return undefined;
}

interface WindowInput {
  window: UpdateWindow;
  now: Date;
  /** Since when the update waits for the window; undefined if it does not wait yet. */
  waitingSince?: Date | undefined;
  /** How long it may wait, in milliseconds; undefined means without limit. */
  deadline?: number | undefined;
  urgent: boolean;
  /** A person on the VM asks for the run. */
  person: boolean;
}

/** Whether an update may be activated, or the VM rebooted, now. */
export function windowState({ window, now, waitingSince, deadline, urgent, person }: WindowInput): WindowState {
  const { ranges, unreadable } = window;
  const isUnset = ranges.length === 0 && unreadable === undefined;
  if (isUnset || person || urgent || isInWindow(ranges, now)) return { open: true };
  const opens = nextOpening(ranges, now)?.getTime();
  const last = deadline === undefined ? undefined : (waitingSince ?? now).getTime() + deadline;
  if (last !== undefined && last <= now.getTime()) return { open: true };
  const times = [opens, last].filter((time) => time !== undefined);
  return {
    open: false,
    ...(times.length === 0 ? {} : { until: new Date(Math.min(...times)) }),
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}
