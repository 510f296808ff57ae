/** What a run's approvals change, for the person who reads its preview. */
import { short } from "../../rules/contract";
import { formatDuration } from "../../rules/text/duration";
import { lockChangeLine } from "../../rules/lock/flake-lock";
import { oneLine, plural } from "../../rules/text/text";
import { changesBetween } from "./approval";
import type { Plan, CurrentApprovals } from "../../rules/rollout/wave-plan";
import type { Wave } from "../../rules/rollout/waves";
import type { FleetConfig } from "../config/fleet-config";
import type { Revision } from "./revision";

/**
 * A line for each revision that waves leave at this run.
 * @param locks revision → the text of its `flake.lock`, if that can be read
 */
export function movesOf(
  plan: Plan<{ name: string }>,
  { approvals }: CurrentApprovals,
  locks: Readonly<Record<string, string>>,
  to: Revision,
): string[] {
  const moving = plan.waves.flatMap(({ wave: { name }, kept }) => {
    const from = approvals[name]?.revision;
    return kept || from === undefined || from === to.revision ? [] : [{ name, from }];
  });
  const revisions = [...new Set(moving.map(({ from }) => from))];
  return revisions.map((revision) => {
    const waves = moving.filter(({ from }) => from === revision).map(({ name }) => name);
    return moveLine(waves, { revision, lockText: locks[revision] }, to);
  });
}

/** What a rollout changes, in one line: `canary, rest: a1b2c3d => d4e5f6a; nixpkgs 8eeec93 → 391b592, 37 days later`. */
function moveLine(
  waves: readonly string[],
  from: { revision: string; lockText: string | undefined },
  to: Revision,
): string {
  const changes = from.lockText === undefined ? undefined : changesBetween(from.lockText, to.lockText);
  const lock =
    changes === undefined
      ? `the flake.lock of ${short(from.revision)} cannot be read`
      : changes.length === 0
        ? "flake.lock changes no input"
        : changes.map(lockChangeLine).join("; ");
  return `${waves.join(", ")}: ${short(from.revision)} => ${short(to.revision)}; ${lock}`.slice(0, 1000);
}

/** Exactly one revision is urgent, so that no later one is urgent by mistake. Says who is affected, and what is ignored. */
export function urgentText(
  { urgent, urgentWhy }: Pick<FleetConfig, "urgent" | "urgentWhy">,
  waves: Plan<Pick<Wave, "name" | "vms" | "pause">>["waves"],
): string[] {
  if (urgent === undefined) return [];
  const passing = waves.filter(({ approval }) => approval.urgent === true).map(({ wave }) => wave);
  if (passing.length === 0) {
    const approved = [...new Set(waves.map(({ approval }) => short(approval.revision)))].join(", ");
    return [`urgent: ${short(urgent)} is not what is approved now (${approved || "nothing"}), so nothing is urgent`];
  }
  const pauses = passing
    .filter(({ pause }) => pause > 0)
    .map(({ name, pause }) => `${name} (${formatDuration(pause)})`);
  const why = urgentWhy === undefined ? "" : ` (${oneLine(urgentWhy, 200)})`;
  const whose = passing.map(({ name, vms }) => `${name} (${plural(vms.length, "VM")})`).join(", ");
  const pause = pauses.length === 0 ? "" : ` and the pause after ${pauses.join(", ")}`;
  return [
    `urgent: ${short(urgent)}${why} ignores the windows of ${whose}${pause}; canaries and health checks still apply`,
  ];
}
