/** Homes that have not run since their machine last asked them to. Pure. */

/**
 * @param before the result of this function an hour ago
 * @param asked when the machine last asked its homes: RFC 3339, UTC, as all times here
 * @param ran user → when the home's agent last ran, undefined if it never said so
 * @returns user → the time since which it is known that the home has not run after it was asked. A home that was asked a moment ago is on
 * the list too. The time that it stays on the list shows whether something is wrong.
 */
export function missedHomes(
  before: Readonly<Record<string, string>>,
  asked: string,
  ran: Readonly<Record<string, string | undefined>>,
  now: string,
): Record<string, string> {
  const missed = Object.keys(ran).filter((user) => (ran[user] ?? "") < asked);
  return Object.fromEntries(missed.map((user) => [user, before[user] ?? now]));
}

/**
 * Whether a home's last run may have ended before its machine published what homes may run.
 * @param ran when that run ended, in whole seconds: in the second of the publication it may have been before it
 * @param published milliseconds; undefined if nothing was published
 */
export function mayHaveMissed(ran: string | undefined, published: number | undefined): boolean {
  return published !== undefined && !(Date.parse(ran ?? "") > published);
}
