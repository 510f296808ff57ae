/** What remains of a gate: its results as a document, and the one line that Pulumi stores. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { allowedFailures } from "../../rules/gate/budget";
import { reportOf } from "../../rules/report-reading";
import { type GateOptions, type GateState, type Result } from "../../rules/gate/state";
import { FleetError } from "../errors";
import { parseObject } from "../../rules/text/json";
import { messageOf } from "../../rules/text/system-error";
import type { FleetId } from "../fleet";
import { oneLine } from "../../rules/text/text";
import type { GateEnd } from "./await";
import type { Reacted } from "./on-failure";

/** What `--output` writes and `--json` prints. */
export function resultsOf(
  id: FleetId,
  options: GateOptions,
  { outcome, reason, took, state }: GateEnd,
  started: Date,
  reacted: Reacted | undefined,
): object {
  const { done, waves, undo } = reacted ?? {};
  return {
    ...id,
    wave: options.wave,
    revision: options.revision,
    outcome,
    reason,
    startedAt: started.toISOString(),
    endedAt: new Date(started.getTime() + took * 1_000).toISOString(),
    allowedFailures: allowedFailures(options.maxFailures, state.vms.size),
    vms: vmResults(state),
    // The reaction to the gate's failure, and the waves that it affected.
    ...(done === undefined ? {} : { onFailure: done, waves }),
    ...(undo === undefined
      ? {}
      : { undo: { outcome: undo.outcome, reason: undo.reason, took: undo.took, vms: vmResults(undo.state) } }),
  };
}

/** The result of each VM. */
export function vmResults(state: GateState): object[] {
  return [...state.vms.values()].map((progress) => ({
    name: progress.name,
    zone: progress.vm?.zone ?? null,
    state: progress.vm?.state ?? null,
    result: progress.result,
    proof: progress.proof === true,
    reason: progress.reason,
    /** Seconds from the gate's start. */
    after: progress.result === "pending" ? null : Math.round(progress.changedAt * 10) / 10,
    system: reportOf(progress.reports?.system),
    homes: Object.fromEntries(
      Object.entries(progress.reports?.homes ?? {}).map(([user, home]) => [user, reportOf(home)]),
    ),
  }));
}

/** Writes the results completely or not at all, because they may be read at any time. @throws FleetError */
export function writeResults(file: string, results: object): void {
  try {
    const fresh = `${file}.${process.pid}`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(fresh, `${JSON.stringify(results, null, 2)}\n`);
    renameSync(fresh, file);
  } catch (error) {
    throw new FleetError("NF211", oneLine(`the results cannot be written: ${messageOf(error)}`));
  }
}

/** What a gate under Pulumi prints on standard output. Pulumi stores it until the gate passes again, and hands it to the next run. */
interface GateSummary extends Partial<Record<Result, number>> {
  wave: string;
  revision: string;
  outcome: GateEnd["outcome"];
  reason?: string;
}

export function summaryOf({ wave, revision }: GateOptions, { outcome, reason, state }: GateEnd): GateSummary {
  const summary: GateSummary = {
    wave,
    revision,
    outcome,
    ...(reason === null ? {} : { reason: oneLine(reason, 300) }),
  };
  for (const { result } of state.vms.values()) summary[result] = (summary[result] ?? 0) + 1;
  return summary;
}

/** Whether this is the summary of a gate that passed this revision. Any other text, such as an older version's output, is not. */
export function saysPassed(
  text: string | undefined,
  { wave, revision }: Pick<GateOptions, "wave" | "revision">,
): boolean {
  const summary: Partial<GateSummary> | undefined = parseObject(text ?? "");
  return summary?.wave === wave && summary.revision === revision && summary.outcome === "passed";
}
