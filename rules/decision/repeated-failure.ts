/**
 * A failure that looks transient but repeats. It is no evidence against the revision, so the revision is never refused. A VM that fails
 * three times in the same way, over at least an hour, retries less often.
 */
import type { Stage } from "../contract";
import type { JsonObject } from "../text/json";
import { isRevision } from "../text/json";
import type { Failing } from "../report";
import { oneLine } from "../text/text";

/** The tries of one revision that ended in the same way. Times are RFC 3339, UTC. */
export interface RepeatedFailure {
  /** Absent if it failed before the target revision was known. */
  revision?: string;
  stage?: Stage;
  /** The error text, without the parts that differ from try to try. */
  text: string;
  tries: number;
  since: string;
  last: string;
  /** The boot during which the last try ran. */
  bootedAt: string;
}

/** A try that failed for a reason that is not recognised. */
interface FailedTry {
  revision?: string | undefined;
  stage?: Stage | undefined;
  error: string;
  at: string;
  bootedAt: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TRIES = 3;

/** The line of a failure's text that says why, without hashes, numbers and temporary names. */
export function normalisedFailure(error: string): string {
  const lines = error.split("\n").filter((line) => line.trim() !== "");
  const why = lines.findLast((line) => /^\s*(?:error|fatal):/.test(line)) ?? lines.at(-1) ?? "";
  return oneLine(
    why
      .replace(/(?:\/tmp\/|\btmp[._-])[\w.+-]+/g, "TMP")
      .replace(/\b(?:[0-9a-z]{32}|[0-9a-f]{7,})\b/g, "HASH")
      .replace(/\d+/g, "N"),
    500,
  );
}

/** The failure with one more try. */
export function repeatedAfter(before: RepeatedFailure | undefined, failed: FailedTry): RepeatedFailure {
  const { revision, stage, at, bootedAt } = failed;
  const text = normalisedFailure(failed.error);
  const same = before?.revision === revision && before?.stage === stage && before?.text === text ? before : undefined;
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(stage === undefined ? {} : { stage }),
    text,
    tries: (same?.tries ?? 0) + 1,
    since: same?.since ?? at,
    last: at,
    bootedAt,
  };
}

/** Whether the VM is failing. It then tries again only at boot, for another revision, if someone asks, or once a day. */
export function isFailing(failure: RepeatedFailure | undefined): boolean {
  if (failure === undefined) return false;
  return failure.tries >= TRIES && Date.parse(failure.last) - Date.parse(failure.since) >= HOUR;
}

/** When a VM that is failing tries again by itself. */
export function nextTry({ last }: RepeatedFailure): Date {
  return new Date(Date.parse(last) + DAY);
}

/** What a report says of a VM that is failing. */
export function failingOf(failure: RepeatedFailure | undefined): Failing | undefined {
  if (failure === undefined || !isFailing(failure)) return undefined;
  const { tries, since } = failure;
  return { tries, since, nextTry: `${nextTry(failure).toISOString().slice(0, 19)}Z` };
}

interface NewTry {
  revision: string;
  /** The boot during which the next try would run. */
  bootedAt: string;
  now: Date;
  /** Whether a person asks for a try: on the VM, or by `fleet retry`. */
  asked: boolean;
}

/** Until when a revision is not tried; `undefined` if it is tried now. A clock that went back never blocks a try. */
export function restsUntil(failure: RepeatedFailure | undefined, tried: NewTry): Date | undefined {
  if (failure === undefined || !isFailing(failure) || tried.asked) return undefined;
  if (failure.revision !== tried.revision || failure.bootedAt !== tried.bootedAt) return undefined;
  const until = nextTry(failure);
  const since = new Date(failure.last);
  return tried.now >= since && tried.now < until ? until : undefined;
}

/** Whether a state's field is one. */
export function isRepeatedFailure(value: JsonObject): boolean {
  const { revision, text, tries, since, last, bootedAt } = value;
  const time = (written: unknown) => typeof written === "string" && !Number.isNaN(Date.parse(written));
  return (
    (revision === undefined || isRevision(revision) === undefined) &&
    typeof text === "string" &&
    Number.isSafeInteger(tries) &&
    [since, last].every(time) &&
    typeof bootedAt === "string"
  );
}
