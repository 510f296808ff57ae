/** What this run approves, said to the operator as it is decided. */
import * as pulumi from "@pulumi/pulumi";
import type { Inventory } from "../../rules/contract";
import { approvalOf, lockText, type Resolved } from "./approval";
import type { FleetConfig } from "../config/fleet-config";
import { movingVms } from "./replacement";
import { movesOf } from "./change-summary";
import { planWaves, readStanding } from "./wave-plan";
import { ConfigError } from "../config-error";
import type { RolloutArgs } from "../components/rollout";

/**
 * From what was resolved and what stands in the project's metadata to what each wave is approved for. Says what is held, and what
 * the rest moves.
 * @throws ConfigError of every mistake, one line each
 */
export async function decideRollout(
  config: FleetConfig,
  repository: string,
  resolved: Resolved,
  metadata: Readonly<Record<string, string>>,
  { vms }: Inventory,
): Promise<Pick<RolloutArgs, "plan" | "lock" | "moving">> {
  const standing = readStanding(metadata, config.fleet, config.stack);
  const membersOf = (names: readonly string[]) => config.vms.filter(({ name }) => names.includes(name));
  const plan = planWaves(config.waves, ({ vms }) => approvalOf(membersOf(vms), resolved), standing);
  if (plan.mistakes.length > 0) throw new ConfigError(plan.mistakes.map((mistake) => `nixos-fleet:${mistake}`));
  for (const line of plan.warnings) void pulumi.log.warn(line);
  for (const line of await movesOf(plan, standing, repository, resolved.system))
    void pulumi.log[line.includes("WARNING") ? "warn" : "info"](line);
  return { plan: plan.waves, lock: lockText(resolved.system.lockText), moving: movingVms(config, vms) };
}
