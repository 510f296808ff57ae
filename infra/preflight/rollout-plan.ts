/** What this run approves, said to the operator as it is decided. */
import * as pulumi from "@pulumi/pulumi";
import type { Inventory } from "../../rules/contract";
import { approvalOf, lockText, type Resolved } from "./approval";
import type { FleetConfig } from "../config/fleet-config";
import { movingVms } from "./replacement";
import { movesOf, urgentText } from "./change-summary";
import { planWaves, readCurrentApprovals } from "../../rules/wave-plan";
import { type FlakeSource, lockTextAt } from "./revision";
import { ConfigError } from "../config-error";
import type { RolloutArgs } from "../components/rollout";

/** What this run approves, and what the lock of it holds. */
export interface RolloutPlan extends Pick<RolloutArgs, "plan" | "lock" | "moving"> {
  /** The text of `flake.lock` that the first wave is approved for; undefined where it cannot be read. */
  lockText: string | undefined;
}

/**
 * From what was resolved and what stands in the project's metadata to what each wave is approved for. Says what is held, and what
 * the rest moves.
 * @throws ConfigError of every mistake, one line each
 */
export async function decideRollout(
  config: FleetConfig,
  source: FlakeSource,
  resolved: Resolved,
  metadata: Readonly<Record<string, string>>,
  { vms }: Inventory,
): Promise<RolloutPlan> {
  const current = readCurrentApprovals(metadata, config.fleet, config.stack);
  const membersOf = (names: readonly string[]) => config.vms.filter(({ name }) => names.includes(name));
  const plan = planWaves(config.waves, ({ vms }) => approvalOf(membersOf(vms), resolved, config), current);
  if (plan.mistakes.length > 0) throw new ConfigError(plan.mistakes.map((mistake) => `nixos-fleet:${mistake}`));
  for (const line of [...plan.warnings, ...urgentText(config, plan.waves)]) void pulumi.log.warn(line);
  for (const line of await movesOf(plan, current, source, resolved.system))
    void pulumi.log[line.includes("WARNING") ? "warn" : "info"](line);
  const [first] = plan.waves;
  const text = first?.kept === true ? await lockTextAt(source, first.approval.revision) : resolved.system.lockText;
  return {
    plan: plan.waves,
    lock: lockText(resolved.system.lockText),
    lockText: text,
    moving: movingVms(config, vms),
  };
}
