/** Suggestions for names that were mistyped. Pure. */

/** The candidate that was probably meant; undefined if none is close. Case does not count. */
export function closestTo(written: string, candidates: Iterable<string>): string | undefined {
  let best: { name: string; errors: number } | undefined;
  for (const name of candidates) {
    const errors = distance(written.toLowerCase(), name.toLowerCase());
    // One letter out of three may be wrong.
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

/**
 * The number of letters that were added, left out, replaced, or swapped with their neighbour. This is the optimal string alignment
 * distance, computed row by row (en.wikipedia.org/wiki/Damerau-Levenshtein_distance).
 */
function distance(a: string, b: string): number {
  let [beforeLast, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next[column] = Math.min(
        at(last, column) + 1,
        at(next, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last ?? [], next];
  }
  return at(last, b.length);
}

function at(row: readonly number[] | undefined, column: number): number {
  return row?.[column] ?? Infinity;
}
