/** A wave's rollout in the history: when its gate began, and how it ended. */
import { randomUUID } from "node:crypto";
import type { GateEnd } from "./await";
import type { Call } from "../command-line/command";
import type { FleetContext } from "../context";
import { messageOf } from "../../rules/text/system-error";
import { budgetText } from "../../rules/gate/budget";
import type { GateOptions, Result, VmProgress } from "../../rules/gate/state";
import { recordEvent } from "../history";
import type { FleetEvent } from "../history-entry";

/** The history's entry for a gate that begins. */
export type GateStart = Required<Pick<FleetEvent, "first" | "repeats">>;

/** Runs a gate and writes its start and its end to the history. An error that the gate throws counts as its end too. */
export async function withHistory(
  call: Call,
  context: FleetContext,
  {
    wave,
    revision,
    ...options
  }: Pick<GateOptions, "wave" | "revision" | "laterWaves" | "minSucceeded" | "maxFailures">,
  { first, repeats }: GateStart,
  run: () => Promise<GateEnd>,
): Promise<GateEnd> {
  const { laterWaves, minSucceeded, maxFailures } = options;
  const gate = { laterWaves: [...laterWaves], minSucceeded, maxFailures: budgetText(maxFailures) };
  const about = { event: "gate", scope: `wave:${wave}`, revision, gate, repeats, run: randomUUID() } as const;
  await recordEvent(call, context, { ...about, first, outcome: "started" });
  try {
    const end = await run();
    await recordEvent(call, context, { ...about, ...eventOf(end) });
    return end;
  } catch (error) {
    await recordEvent(call, context, { ...about, outcome: "failed", why: messageOf(error) });
    throw error;
  }
}

/** The history's entry for a gate's end. */
export function eventOf({ outcome, reason, took, state }: GateEnd) {
  const vms = [...state.vms.values()];
  const failed = vms.filter(({ result }) => result === "failed");
  return {
    outcome,
    took: Math.round(took * 10) / 10,
    counts: countsOf(vms),
    ...(reason === null ? {} : { why: reason }),
    ...(failed.length === 0
      ? {}
      : { failed: Object.fromEntries(failed.map(({ name, reason: why }) => [name, why ?? ""])) }),
  };
}

function countsOf(vms: readonly VmProgress[]): Partial<Record<Result, number>> {
  const counts: Partial<Record<Result, number>> = {};
  for (const { result } of vms) counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}
