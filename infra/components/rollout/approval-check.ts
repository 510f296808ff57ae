/**
 * Looks at the control item again before each approval is written. A rollout may take an hour, and the plan is from its beginning: meanwhile
 * someone may have held a wave, or rolled the revision back in a wave before it. It also looks whether the gates before it have passed the
 * revision: `pulumi up --target` leaves them out, although the approval depends on them.
 */
import { AsyncResource } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { approvalKey, short } from "../../../rules/contract";
import { approvalRefusal, readCurrentApprovals, type PlannedWave } from "../../../rules/rollout/wave-plan";
import type { Wave } from "../../../rules/rollout/waves";
import { parseObject } from "../../../rules/text/json";
import { oneLine } from "../../../rules/text/text";
import type { FleetConfig } from "../../config/fleet-config";
import { ConfigError } from "../../config-error";
import { registered } from "./registered";

/** The code of the error by which an approval is refused. */
export const REFUSED = "NF306";

/** Wave → what its gate printed when it last succeeded, now or in an earlier run. */
export type GateOutputs = Map<string, Promise<string | undefined>>;

/** What keeps an approval from being written too early. */
export interface ApprovalGuard {
  /** Hooks of each approval. */
  hooks: Pick<pulumi.ResourceHookBinding, "beforeCreate" | "beforeUpdate">;
  /** Who declares a gate adds what it prints. */
  gates: GateOutputs;
}

export interface ApprovalCheck {
  config: Pick<FleetConfig, "fleet" | "stack" | "waves">;
  plan: readonly PlannedWave<Wave>[];
  readMetadata: () => Promise<Record<string, string>>;
  /** Called for each refusal, which the hooks on errors may not get. */
  refused: () => void;
}

/** Milliseconds before each further try to read the metadata. Google's client has tried several times by itself then. */
const PAUSES = [2_000, 6_000, 15_000];

/** The hooks that refuse an approval; none if the engine does not support hooks. A preview does not call them. */
export async function approvalGuard(name: string, check: ApprovalCheck): Promise<ApprovalGuard> {
  const gates: GateOutputs = new Map();
  // An inline program of the Automation API finds its engine by the asynchronous context, which the engine's call does not have.
  const refuse = AsyncResource.bind(refusing(check, gates));
  const hook = await registered(new pulumi.ResourceHook(`${name}-approval-check`, refuse));
  return { hooks: hook === undefined ? {} : { beforeCreate: [hook], beforeUpdate: [hook] }, gates };
}

/** @throws ConfigError if the approval that is about to be written must not be */
export function refusing(
  { plan, refused, ...check }: ApprovalCheck,
  gates: GateOutputs,
  pauses?: readonly number[],
): (args: Pick<pulumi.ResourceHookArgs, "newInputs">) => Promise<void> {
  const { fleet, stack } = check.config;
  return async ({ newInputs }) => {
    const key: unknown = (newInputs as Record<string, unknown> | undefined)?.["key"];
    const planned = plan.find(({ wave }) => key === approvalKey(fleet, stack, wave.name));
    const why =
      planned && ((await refusalNow(planned, check, pauses)) ?? (await unpassedText(planned, { plan, gates })));
    if (why === undefined) return;
    refused();
    throw new ConfigError([why], REFUSED);
  };
}

/** Why a wave must not be approved now; undefined if it may. If the metadata cannot be read, it must not: unknown is not absent. */
async function refusalNow(
  planned: PlannedWave<Wave>,
  { config: { fleet, stack, waves }, readMetadata }: Pick<ApprovalCheck, "config" | "readMetadata">,
  pauses: readonly number[] = PAUSES,
): Promise<string | undefined> {
  const names = waves.map(({ name }) => name);
  for (let tries = 0; ; tries++) {
    try {
      const { control } = readCurrentApprovals(await readMetadata(), fleet, stack);
      return approvalRefusal(planned, names, control);
    } catch (error) {
      const pause = pauses[tries];
      if (pause === undefined) return unreadText(planned, error);
      await sleep(pause);
    }
  }
}

/** Why a wave must not be approved although no one holds it: a gate before it did not pass the revision. Undefined if all have. */
async function unpassedText(
  { wave, approval: { revision }, former, kept }: PlannedWave<Wave>,
  { plan, gates }: { plan: ApprovalCheck["plan"]; gates: GateOutputs },
): Promise<string | undefined> {
  if (kept || former?.revision === revision) return undefined;
  const earlier = plan.slice(
    0,
    plan.findIndex((one) => one.wave.name === wave.name),
  );
  for (const { wave: before } of earlier) {
    const summary = parseObject((await gates.get(before.name)) ?? "");
    if (summary?.["revision"] !== revision)
      return `wave ${wave.name} is not approved for ${short(revision)}: the gate of wave ${before.name} has not passed it; run pulumi up without --target`;
  }
  return undefined;
}

function unreadText({ wave, approval }: PlannedWave<Wave>, error: unknown): string {
  const why = oneLine(error instanceof Error ? error.message : String(error), 300);
  return `wave ${wave.name} is not approved for ${short(approval.revision)}: it is not known whether it is held or undone by now (${why}); run pulumi up again`;
}
