/** Chance that can be repeated: NIXOS_FLEET_SEED=N gives what a run gave that printed `seed N`. */

export class Random {
  private constructor(
    readonly seed: number,
    private state: number,
  ) {}

  static seeded(): Random {
    const given = process.env["NIXOS_FLEET_SEED"];
    const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
    if (!Number.isInteger(seed) || seed < 0) {
      throw new Error(`NIXOS_FLEET_SEED: "${given ?? ""}" must be a whole number of 0 or more`);
    }
    return new Random(seed, seed >>> 0);
  }

  /** From 0 up to, not including, 1: the mulberry32 generator. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }
}
