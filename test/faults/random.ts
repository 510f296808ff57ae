/** Chance that can be repeated: NIXOS_FLEET_SEED=N gives what a run gave that printed `seed N`. */
import { randomBy } from "../../local/api/random";

export class Random {
  private constructor(
    readonly seed: number,
    /** From 0 up to, not including, 1. */
    readonly next: () => number,
  ) {}

  static seeded(): Random {
    const given = process.env["NIXOS_FLEET_SEED"];
    const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
    if (!Number.isInteger(seed) || seed < 0) {
      throw new Error(`NIXOS_FLEET_SEED: "${given ?? ""}" must be a whole number of 0 or more`);
    }
    return new Random(seed, randomBy(seed));
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }
}
