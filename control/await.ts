/** The gate at work: looks at a wave again and again until `gate.ts` has decided, and says what changes. */
import { setTimeout as sleep } from "node:timers/promises";
import { contract } from "../contracts";
import { ApiError } from "./api-error";
import type { Compute } from "./compute";
import { FleetError, messageOf } from "./errors";
import { readDecisions, readVms, type FleetId, type FleetVm } from "./fleet";
import {
  decide,
  hardEnd,
  noProgress,
  step,
  type GateOptions,
  type GateState,
  type Observation,
  type Verdict,
} from "./gate";
import { changeLines, endLines, interruptedLine, lifeLine, passedLine } from "./gate-text";
import { readReports, unreadable, type VmReports } from "./reports";
import { backoff, mapBounded } from "./retry";
import { oneLine, plural, truncate } from "./text";

/** What a gate needs of the world. */
export interface GateWorld {
  compute: Compute;
  print: (line: string) => void;
  colour: boolean;
  signal: AbortSignal;
  clock?: Clock;
}

/** Time, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since whenever. */
  now: () => number;
  /** Ends early, without an error, when the signal is aborted. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const wallClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
};

/** How a gate ended. */
export interface GateEnd {
  outcome: "passed" | "failed" | "interrupted";
  /** Why it did not pass. */
  reason: string | null;
  /** Seconds. */
  took: number;
  state: GateState;
}

/** Guest attributes are asked for with this many requests under way at once, … */
const readers = 16;
/** … and no faster than this on average: below half of Compute's quota of 1,500 reads a minute. */
const readsPerSecond = 10;
/** Seconds without a line after which the gate says that it still waits. */
const quiet = 30;

/** Waits for a wave. Throws only what waiting cannot mend, such as missing permissions. */
export async function awaitWave(world: GateWorld, id: FleetId, options: GateOptions): Promise<GateEnd> {
  const clock = world.clock ?? wallClock;
  const start = clock.now();
  const elapsed = () => (clock.now() - start) / 1_000;
  const interrupted = () => world.signal.aborted;
  const last = new Map<string, Asked>();
  let state = noProgress;
  let failures = 0;
  let spoke = 0;
  const say = (lines: readonly string[]) => {
    for (const line of lines) {
      world.print(truncate(line, 1_000));
      spoke = elapsed();
    }
  };
  const end = (outcome: GateEnd["outcome"], reason: string | null): GateEnd => ({
    outcome,
    reason,
    took: elapsed(),
    state,
  });

  while (!interrupted()) {
    let pause: number;
    try {
      const observation = await observe(world.compute, id, options, state, last, elapsed);
      if (failures > 0) {
        say(["the Compute API answers again"]);
        failures = 0;
      }
      const first = state === noProgress;
      const before = state;
      state = step(state, observation, options);
      say([...(first ? [beginLine(state, options)] : []), ...changeLines(before, state, world.colour)]);
      const verdict = decide(state, options);
      if (verdict.outcome !== "open") {
        say([...endLines(state, world.colour), endLine(verdict, state, options, elapsed())]);
        return end(verdict.outcome, verdict.outcome === "failed" ? verdict.reason : null);
      }
      if (elapsed() - spoke >= quiet) {
        say([lifeLine(state, options.wave, elapsed())]);
      }
      pause = pollInterval(elapsed(), toAsk(state));
    } catch (error) {
      if (interrupted()) {
        break;
      }
      if (!(error instanceof ApiError && error.transient)) {
        throw error;
      }
      failures += 1;
      if (elapsed() >= hardEnd(options)) {
        throw new FleetError(`gave up on wave ${options.wave}: the Compute API does not answer (${error.message})`);
      }
      say(failures === 1 ? [`the Compute API does not answer (${messageOf(error)}); trying again`] : []);
      pause = backoff(failures, 1_000, 10_000);
    }
    // An interrupt ends the pause early, and with it the loop.
    await clock.sleep(pause, world.signal);
  }
  say(["", interruptedLine(state, options)]);
  return end("interrupted", "interrupted");
}

/** Milliseconds until the next look: a second at first, growing to eight, longer where very many VMs are still to be asked. */
export function pollInterval(elapsed: number, asked: number): number {
  const growing = Math.min(8, Math.max(1, elapsed / 10));
  return 1_000 * Math.max(growing, asked / readsPerSecond);
}

/** A VM's last answer, and the state it was in. */
interface Asked {
  reports: VmReports;
  state: string;
}

async function observe(
  compute: Compute,
  id: FleetId,
  options: GateOptions,
  state: GateState,
  last: Map<string, Asked>,
  elapsed: () => number,
): Promise<Observation> {
  const [vms, metadata] = await Promise.all([readVms(compute, id), compute.projectMetadata()]);
  const wave = vms.filter((vm) => vm.wave === options.wave);
  const read = await mapBounded(wave, readers, async (vm) => {
    const before = last.get(vm.name);
    const settled = state.vms.get(vm.name)?.result === "succeeded" || vm.state !== "RUNNING";
    if (before !== undefined && settled && before.state === vm.state) {
      return { vm, reports: before.reports };
    }
    const reports = await ask(compute, vm);
    if (reports !== undefined) {
      last.set(vm.name, { reports, state: vm.state });
    }
    return { vm, reports };
  });
  return { at: elapsed(), decisions: readDecisions(metadata, id), vms: read };
}

/** A VM's reports; undefined where it could not be asked for a reason that may pass. */
async function ask(compute: Compute, vm: FleetVm): Promise<VmReports | undefined> {
  try {
    return readReports(await compute.guestAttributes(vm, contract.guestAttributes.namespace), vm.homes);
  } catch (error) {
    if (error instanceof ApiError) {
      return error.transient ? undefined : unreadable(`the report cannot be read: ${error.message}`, vm.homes);
    }
    throw error;
  }
}

/** VMs that the next look has to ask. */
function toAsk({ vms }: GateState): number {
  return [...vms.values()].filter(({ vm, result }) => result !== "succeeded" && vm.state === "RUNNING").length;
}

function beginLine({ vms }: GateState, { wave, revision }: GateOptions): string {
  return oneLine(`wave ${wave}: waiting for ${plural(vms.size, "VM")} to take in ${revision}`);
}

function endLine(verdict: Verdict, state: GateState, options: GateOptions, at: number): string {
  return verdict.outcome === "failed"
    ? oneLine(`wave ${options.wave} failed: ${verdict.reason}; later waves are not approved`)
    : passedLine(state, options, at);
}
