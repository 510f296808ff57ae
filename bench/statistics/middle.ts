/** The one in the middle of all by a number, of which a single slow run cannot change much; undefined where there is none. */
export function middle<T>(all: readonly T[], by: (one: T) => number): T | undefined {
  return [...all].sort((a, b) => by(a) - by(b))[Math.floor(all.length / 2)];
}

export function median(values: readonly number[]): number {
  return middle(values, (value) => value) ?? NaN;
}
