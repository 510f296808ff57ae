/** Breadth first over every order of events, so that the trace of a violation that is found is a shortest one. */
import { converges } from "./converge";
import { successors } from "./events";
import { Violation } from "./invariants";
import { fromText, initial, text, type State } from "./state";
import type { World } from "./world";

export interface Found {
  /** What is broken. */
  violation: string;
  /** The events that lead there, from the initial state. */
  trace: string[];
}

interface Explored {
  states: number;
  /** The most events after which every state is known. */
  depth: number;
  /** States from which the fleet was seen to converge. */
  converged: number;
  found: Found | undefined;
  /** Whether no state was left to look at. */
  complete: boolean;
}

interface Limits {
  /** How many disturbances a trace has at most. */
  disturbances: number;
  states: number;
  /** Milliseconds. */
  time: number;
  /** Whether one in so many states is asked whether the fleet converges from there; 0 for none. */
  convergence: number;
}

/** Knows which states were seen, by 64 bits of each one's hash: two states that share them are as good as never. */
class Seen {
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  private readonly mask: number;

  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(1_024, capacity * 1.6)));
    this.high = new Uint32Array(size);
    this.low = new Uint32Array(size);
    this.mask = size - 1;
  }

  /** Whether it is new. */
  add(state: State): boolean {
    let [one, other] = [0x811c9dc5, 0x9e3779b9];
    for (const byte of state) {
      one = Math.imul(one ^ byte, 0x01000193);
      other = Math.imul(other + byte + 1, 0x85ebca6b) ^ (other >>> 13);
    }
    // Zeros mark a free place.
    const [high, low] = [(one ^ (one >>> 15)) >>> 0 || 1, (other ^ (other >>> 16)) >>> 0];
    let place = (high ^ Math.imul(low, 0xc2b2ae35)) & this.mask;
    while (this.high[place] !== 0) {
      if (this.high[place] === high && this.low[place] === low) return false;
      place = (place + 1) & this.mask;
    }
    this.high[place] = high;
    this.low[place] = low;
    return true;
  }
}

/** Explores until something is found, everything is known, or a limit is reached. */
export function explore(world: World, { disturbances, states: most, time, convergence }: Limits): Explored {
  const end = Date.now() + time;
  const seen = new Seen(most);
  const parents = new Int32Array(most + 1);
  let level = [text(initial(disturbances))];
  let first = 0;
  let states = 1;
  let depth = 0;
  let converged = 0;
  seen.add(initial(disturbances));
  const done = (complete: boolean, found?: Found): Explored => ({ states, depth, converged, found, complete });
  while (level.length > 0) {
    const next: string[] = [];
    const nextFirst = states;
    for (const [offset, written] of level.entries()) {
      if (offset % 256 === 0 && Date.now() > end) return done(false);
      const state = fromText(written);
      const index = first + offset;
      const room = { full: false };
      try {
        if (convergence > 0 && index % convergence === 0) {
          converges(world, state);
          converged += 1;
        }
        successors(world, state, (_, after) => {
          if (room.full || !seen.add(after)) return;
          if (states > most) {
            room.full = true;
            return;
          }
          parents[states] = index;
          states += 1;
          next.push(text(after));
        });
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        return done(false, { violation: error.message, trace: traceTo(world, disturbances, parents, index) });
      }
      if (room.full) return done(false);
    }
    level = next;
    first = nextFirst;
    depth += 1;
  }
  return done(true);
}

/** The events that lead to a state, by its number: the way there is walked again. */
function traceTo(world: World, disturbances: number, parents: Int32Array, index: number): string[] {
  const path: number[] = [];
  for (let one = index; one !== 0; one = parents[one] ?? 0) path.unshift(one);
  return walk(world, disturbances, path.length, parents, index);
}

function walk(world: World, disturbances: number, length: number, parents: Int32Array, index: number): string[] {
  // States have no names, so the numbers are given out again in the same order.
  const seen = new Map<string, number>([[text(initial(disturbances)), 0]]);
  const names = new Map<number, string>();
  let level = [text(initial(disturbances))];
  let count = 1;
  for (let depth = 0; depth < length; depth += 1) {
    const next: string[] = [];
    for (const written of level)
      successors(world, fromText(written), (event, after) => {
        const key = text(after);
        if (seen.has(key)) return;
        seen.set(key, count);
        names.set(count, event);
        count += 1;
        next.push(key);
      });
    level = next;
  }
  const trace: string[] = [];
  for (let one = index; one !== 0; one = parents[one] ?? 0) trace.unshift(names.get(one) ?? "?");
  return trace;
}

/** Follows a trace; what is broken on the way, at its end, or in any one event after it; undefined where nothing is. */
export function replay(world: World, trace: readonly string[]): string | undefined {
  // One more, since what is broken may be the event after it.
  let state = initial(trace.length + 1);
  try {
    for (const wanted of trace) {
      let after: State | undefined;
      successors(world, state, (event, candidate) => {
        if (event === wanted) after ??= candidate;
      });
      // With other rules the trace may end here: then nothing is broken on it.
      if (after === undefined) return undefined;
      state = after;
    }
    converges(world, state);
    successors(world, state, () => undefined);
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
}
