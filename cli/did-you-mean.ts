/** Suggestions for names that were mistyped. Pure. */
import { distance } from "fastest-levenshtein";

/** The candidate that was probably meant; undefined where none is close. Case does not count. */
export function closestTo(written: string, candidates: Iterable<string>): string | undefined {
  const lower = written.toLowerCase();
  let best: { name: string; errors: number } | undefined;
  for (const name of candidates) {
    const errors = isSwapped(lower, name.toLowerCase()) ? 1 : distance(lower, name.toLowerCase());
    // One letter of three may be wrong.
    const most = Math.max(1, Math.floor(Math.max(written.length, name.length) / 3));
    if (name !== written && errors <= most && (best === undefined || errors < best.errors)) best = { name, errors };
  }
  return best?.name;
}

/** `; did you mean "NAME"?`, or nothing. */
export function didYouMean(written: string, candidates: Iterable<string>): string {
  const name = closestTo(written, candidates);
  return name === undefined ? "" : `; did you mean "${name}"?`;
}

/** Whether two texts differ in the order of two neighbouring letters alone. */
function isSwapped(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return at < a.length && a.slice(0, at) + (a[at + 1] ?? "") + (a[at] ?? "") + a.slice(at + 2) === b;
}
