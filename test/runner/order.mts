/**
 * Orders work that a few workers take one by one: within each of two kinds the heaviest first, and the kinds mixed so that at every moment
 * about the same share of each one's weight has begun.
 */
export function byWeight<T>(work: readonly T[], weight: (one: T) => number, first: (one: T) => boolean): T[] {
  const share = (kind: readonly T[]) => {
    const total = kind.reduce((sum, one) => sum + weight(one), 0);
    let begun = 0;
    return [...kind]
      .sort((a, b) => weight(b) - weight(a))
      .map((one) => {
        const at = begun / total;
        begun += weight(one);
        return { one, at };
      });
  };
  const [firsts, others] = [work.filter(first), work.filter((one) => !first(one))];
  return [...share(firsts), ...share(others)].sort((a, b) => a.at - b.at).map(({ one }) => one);
}
