/** What this run approves, said to the operator as it is decided. */
import * as pulumi from "@pulumi/pulumi";
import { short, type Inventory } from "../../rules/contract";
import { approvalOf, lockText, type Resolved } from "./approval";
import type { FleetConfig } from "../config/fleet-config";
import { movingVms } from "./replacement";
import { movesOf } from "./change-summary";
import { formatDuration } from "../../rules/duration";
import { oneLine } from "../../rules/text";
import { planWaves, readCurrentApprovals, type Plan } from "../../rules/wave-plan";
import type { Wave } from "../../rules/waves";
import { lockTextAt } from "./revision";
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
  repository: string,
  resolved: Resolved,
  metadata: Readonly<Record<string, string>>,
  { vms }: Inventory,
): Promise<RolloutPlan> {
  const current = readCurrentApprovals(metadata, config.fleet, config.stack);
  const membersOf = (names: readonly string[]) => config.vms.filter(({ name }) => names.includes(name));
  const plan = planWaves(config.waves, ({ vms }) => approvalOf(membersOf(vms), resolved, config), current);
  if (plan.mistakes.length > 0) throw new ConfigError(plan.mistakes.map((mistake) => `nixos-fleet:${mistake}`));
  for (const line of [...plan.warnings, ...urgentText(config, plan.waves)]) void pulumi.log.warn(line);
  for (const line of await movesOf(plan, current, repository, resolved.system))
    void pulumi.log[line.includes("WARNING") ? "warn" : "info"](line);
  const [first] = plan.waves;
  const text = first?.kept === true ? await lockTextAt(repository, first.approval.revision) : resolved.system.lockText;
  return {
    plan: plan.waves,
    lock: lockText(resolved.system.lockText),
    lockText: text,
    moving: movingVms(config, vms),
  };
}

/** What is urgent is one revision, so that nothing later is urgent by mistake: who is affected, and what does not count. */
export function urgentText(
  { urgent, urgentWhy }: Pick<FleetConfig, "urgent" | "urgentWhy">,
  waves: Plan<Pick<Wave, "name" | "vms" | "pause">>["waves"],
): string[] {
  if (urgent === undefined) return [];
  const passing = waves.filter(({ approval }) => approval.urgent === true).map(({ wave }) => wave);
  if (passing.length === 0) {
    const approved = [...new Set(waves.map(({ approval }) => short(approval.revision)))].join(", ");
    return [`urgent: ${short(urgent)} is not what is approved now (${approved}), so nothing is urgent`];
  }
  const pauses = passing
    .filter(({ pause }) => pause > 0)
    .map(({ name, pause }) => `${name} (${formatDuration(pause)})`);
  return [
    `urgent: ${short(urgent)}${urgentWhy === undefined ? "" : ` (${oneLine(urgentWhy, 200)})`} waits for no window of ` +
      `${passing.map(({ name, vms }) => `${name} (${vms.length} VM${vms.length === 1 ? "" : "s"})`).join(", ")}` +
      `${pauses.length === 0 ? "" : `, nor for the pause after ${pauses.join(", ")}`}; canaries and health checks count`,
  ];
}
