/** Decides what this run approves, and prints it for the operator. */
import * as pulumi from "@pulumi/pulumi";
import type { Inventory } from "../../rules/contract";
import { approvalOf, lockText, type Resolved } from "./approval";
import type { FleetConfig } from "../config/fleet-config";
import { movingVms } from "./stack-moves";
import { movesOf, urgentText } from "./change-summary";
import { planWaves, readCurrentApprovals } from "../../rules/rollout/wave-plan";
import { type FlakeSource, lockTextsAt } from "./revision";
import type { Wave } from "../../rules/rollout/waves";
import { own } from "../../rules/text/json";
import { ConfigError } from "../config-error";
import type { RolloutArgs } from "../components/rollout/rollout";

/** What this run approves, and the content of its lock. */
interface RolloutPlan extends Pick<RolloutArgs, "plan" | "lock" | "moving"> {
  /** Revision → the text of its `flake.lock`, for revisions that waves are or were approved for, if that can be read. */
  locks: Record<string, string>;
}

/**
 * Decides what each wave is approved for, from what was resolved and what the project's metadata contain. Prints what is held, and what
 * changes in the other waves.
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
  const approve = ({ name, vms }: Wave) => {
    const ofWave = own(current.approvals, name);
    const present = Object.values(current.approvals);
    return approvalOf(membersOf(vms), resolved, config, ofWave === undefined ? present : [ofWave, ...present]);
  };
  const plan = planWaves(config.waves, approve, current);
  if (plan.mistakes.length > 0)
    throw new ConfigError(
      plan.mistakes.map((mistake) => `nixos-fleet:${mistake}`),
      "NF104",
    );
  for (const line of [...plan.warnings, ...urgentText(config, plan.waves)]) void pulumi.log.warn(line);
  const revisions = plan.waves.flatMap(({ approval, former = approval }) => [approval.revision, former.revision]);
  const locks = await lockTextsAt(source, revisions, resolved.system);
  for (const line of movesOf(plan, current, locks, resolved.system))
    void pulumi.log[line.includes("WARNING") ? "warn" : "info"](line);
  return {
    plan: plan.waves,
    lock: lockText(resolved.system.lockText),
    locks,
    moving: movingVms(config, vms),
  };
}
