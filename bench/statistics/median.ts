/** The median element by a number, which a single slow run hardly changes; undefined for an empty list. */
export function medianBy<T>(all: readonly T[], by: (one: T) => number): T | undefined {
  return [...all].sort((a, b) => by(a) - by(b))[Math.floor(all.length / 2)];
}

export function median(values: readonly number[]): number {
  return medianBy(values, (value) => value) ?? NaN;
}
