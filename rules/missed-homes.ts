/** Homes that have not run since their machine last asked them to. Pure. */

/**
 * @param before what this answered an hour ago
 * @param asked when the machine asked its homes last: RFC 3339, UTC, as all times here
 * @param ran user → when the home's agent last ran, undefined where it never said so
 * @returns user → since when it is known that the home has not run since it was asked. A home that was asked a moment ago is on the list
 * as well: how long it stays there tells whether something is wrong.
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
