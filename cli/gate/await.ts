/** Runs the gate: looks at a wave again and again until `rules/gate/verdict.ts` has decided, and prints what changes. */
import { setTimeout as sleep } from "node:timers/promises";
import pMap from "p-map";
import { contract } from "../../rules/contract";
import { ApiError } from "../google/api-error";
import type { Compute } from "../google/compute";
import { FleetError } from "../errors";
import { messageOf } from "../../rules/text/system-error";
import { readDecisions, readVms, type FleetId, type FleetVm } from "../fleet";
import { pauseLeft } from "../../rules/gate/pause";
import { hardEnd, noProgress, type GateOptions, type GateState, type Observation } from "../../rules/gate/state";
import { decide, step } from "../../rules/gate/verdict";
import { beginLine, changeLines, endLine, endLines, interruptedLine, lifeLine, pauseLine, warningLine } from "./text";
import { readReports, unreadable } from "../reports";
import { backoff } from "../google/retry";
import type { VmReports } from "../../rules/report-reading";
import { truncate } from "../../rules/text/text";

/** What a gate reads and writes outside itself. */
export interface GateWorld {
  compute: Compute;
  print: (line: string) => void;
  colour: boolean;
  signal: AbortSignal;
  clock?: Clock;
}

/** Time, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since an arbitrary moment. */
  now: () => number;
  /** The date, in milliseconds since 1970. */
  date: () => number;
  /** Ends early, without an error, when the signal is aborted. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const wallClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
};

/** How a gate ended. */
export interface GateEnd {
  /** `unproved`: nothing failed, but too few VMs proved the revision for later waves to get it. */
  outcome: "passed" | "unproved" | "failed" | "interrupted";
  /** Why it did not pass, or what it ignored when it passed. */
  reason: string | null;
  /** Whether it failed for a reason other than its VMs' answers: someone held the wave, or approved something else. */
  stopped: boolean;
  /** Seconds. */
  took: number;
  state: GateState;
}

/** The exit status of a command that ends with a gate. */
export const exitCodes: Record<GateEnd["outcome"], number> = { passed: 0, unproved: 1, failed: 1, interrupted: 130 };

/** This many requests for guest attributes run at once, … */
const readers = 16;
/** … and they average no more than this rate: below half of 1,500 a minute, Compute's usual quota of such requests in a region. */
const readsPerSecond = 10;
/** Seconds without a line after which the gate says that it still waits. */
const quiet = 30;
/** The same while only the pause is left. */
const quietPause = 300;
/** Maximum milliseconds between two looks at a wave whose VMs have all answered. */
const pausePoll = 30_000;

/** Waits for a wave. Throws only errors that waiting does not fix, such as missing permissions. */
export async function awaitWave(world: GateWorld, id: FleetId, options: GateOptions): Promise<GateEnd> {
  const clock = world.clock ?? wallClock;
  const start = clock.now();
  const elapsed = () => (clock.now() - start) / 1_000;
  const interrupted = () => world.signal.aborted;
  const last = new Map<string, LastAnswer>();
  let state = noProgress;
  let failures = 0;
  let spoke = 0;
  // When it last printed what it waits for, in seconds.
  let listedAt = 0;
  // When the wave has waited long enough after all of its VMs answered.
  let stoodAt: number | undefined;
  const say = (lines: readonly string[]) => {
    for (const line of lines) {
      world.print(truncate(line, 1_000));
      spoke = elapsed();
    }
  };
  const end = (outcome: GateEnd["outcome"], reason: string | null, stopped: boolean): GateEnd => ({
    outcome,
    reason,
    stopped,
    took: elapsed(),
    state,
  });

  while (!interrupted()) {
    let pause: number;
    try {
      const observation = await observe(world.compute, id, options, {
        state,
        last,
        elapsed,
        pausing: stoodAt !== undefined,
      });
      if (failures > 0) {
        say(["the Compute API answers again"]);
        failures = 0;
      }
      const first = state === noProgress;
      const before = state;
      state = step(state, observation, options);
      say([...(first ? [beginLine(state, options)] : []), ...changeLines(before, state, world.colour)]);
      const verdict = decide(state, options);
      if (verdict.outcome === "passed" && stoodAt === undefined) {
        const left = pauseLeft(state, options, clock.date());
        stoodAt = elapsed() + left;
        say(left > 0 ? [pauseLine(options, left)] : []);
      }
      const left = (stoodAt ?? 0) - elapsed();
      if (verdict.outcome !== "open" && (verdict.outcome !== "passed" || left <= 0)) {
        const warning = verdict.outcome === "passed" ? verdict.warning : undefined;
        say([...endLines(state, world.colour), endLine(verdict, state, options, elapsed())]);
        say(warning === undefined ? [] : [warningLine(warning, options)]);
        const failed = verdict.outcome === "failed";
        const reason = verdict.outcome === "passed" ? (warning ?? null) : verdict.reason;
        return end(verdict.outcome, reason, failed && verdict.stopped);
      }
      if (verdict.outcome === "open" && elapsed() - listedAt >= quiet) {
        say([lifeLine(state, options, elapsed())]);
        listedAt = elapsed();
      } else if (verdict.outcome === "passed" && elapsed() - spoke >= quietPause) {
        say([pauseLine(options, left)]);
      }
      pause = pollInterval(world.compute, toAsk(state, stoodAt !== undefined));
      if (verdict.outcome === "passed") {
        pause = Math.max(1, Math.min(left * 1_000, Math.max(pause, Math.min(pausePoll, options.pause * 50))));
      }
    } catch (error) {
      if (interrupted()) {
        break;
      }
      if (!(error instanceof ApiError && error.transient)) {
        throw error;
      }
      failures += 1;
      if (elapsed() >= hardEnd(options, state)) {
        throw new FleetError(
          "NF303",
          `gave up on wave ${options.wave}: the Compute API does not answer (${error.message})`,
        );
      }
      say(failures === 1 ? [`the Compute API does not answer (${messageOf(error)}); trying again`] : []);
      pause = backoff(failures, 1_000, 10_000);
    }
    // An interrupt ends the pause early, and with it the loop.
    await clock.sleep(pause, world.signal);
  }
  say(["", interruptedLine(state, options)]);
  return end("interrupted", "interrupted", false);
}

/** Milliseconds until the next look: as soon as each VM may be asked again, and later if very many VMs are still to be asked. */
export function pollInterval(
  { guestAttributesInterval: least }: Pick<Compute, "guestAttributesInterval">,
  asked: number,
): number {
  return Math.max(least, (asked / readsPerSecond) * 1_000);
}

/** A VM's last answer, and the state it was in. */
interface LastAnswer {
  reports: VmReports;
  state: string;
}

/** What one look hands to the next. */
interface Looking {
  state: GateState;
  last: Map<string, LastAnswer>;
  elapsed: () => number;
  /** Whether VMs that have succeeded are asked again: they may still fail. */
  pausing: boolean;
}

async function observe(
  compute: Compute,
  id: FleetId,
  options: GateOptions,
  { state, last, elapsed, pausing }: Looking,
): Promise<Observation> {
  const [vms, metadata] = await Promise.all([readVms(compute, id), compute.projectMetadata()]);
  const { members: names } = options;
  const waves = options.undo ?? [options.wave];
  const members = vms.filter((vm) =>
    names === undefined ? vm.wave !== null && waves.includes(vm.wave) : names.includes(vm.name),
  );
  const readMember = async (vm: FleetVm) => {
    const before = last.get(vm.name);
    const settled = (state.vms.get(vm.name)?.result === "succeeded" && !pausing) || vm.state !== "RUNNING";
    if (before !== undefined && settled && before.state === vm.state) {
      return { vm, reports: before.reports };
    }
    const reports = await ask(compute, vm);
    if (reports !== undefined) {
      last.set(vm.name, { reports, state: vm.state });
    }
    return { vm, reports };
  };
  const read = await pMap(members, readMember, { concurrency: readers });
  return { at: elapsed(), decisions: readDecisions(metadata, id), vms: read, fleetSize: vms.length };
}

/** A VM's reports; undefined if a passing error prevented the read. @throws ApiError if the caller may not read them */
async function ask(compute: Compute, vm: FleetVm): Promise<VmReports | undefined> {
  try {
    return readReports(await compute.guestAttributes(vm, contract.guestAttributes.namespace), vm.homes);
  } catch (error) {
    // A caller without the right learns nothing about any VM, so no VM has failed.
    if (!(error instanceof ApiError) || error.isRefusal) throw error;
    return error.transient ? undefined : unreadable(`the report cannot be read: ${error.message}`, vm.homes);
  }
}

/** The VMs that the next look must ask. */
function toAsk({ vms }: GateState, pausing: boolean): number {
  const running = [...vms.values()].filter(({ vm }) => vm?.state === "RUNNING");
  return running.filter(({ result }) => pausing || result !== "succeeded").length;
}
