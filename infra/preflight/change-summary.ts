/** What a run's approvals move, for the person who reads its preview. */
import { short } from "../../rules/contract";
import { lockChangeLine } from "../../rules/flake-lock";
import { changesBetween } from "./approval";
import type { Plan, CurrentApprovals } from "../../rules/wave-plan";
import { lockTextAt, type Revision } from "./revision";

/** A line for each revision that waves leave at this run. The locks before are read from the repository. */
export async function movesOf(
  plan: Plan<{ name: string }>,
  { approvals }: CurrentApprovals,
  repository: string,
  to: Revision,
): Promise<string[]> {
  const moving = plan.waves.flatMap(({ wave: { name }, kept }) => {
    const from = approvals[name]?.revision;
    return kept || from === undefined || from === to.revision ? [] : [{ name, from }];
  });
  const revisions = [...new Set(moving.map(({ from }) => from))];
  return Promise.all(
    revisions.map(async (revision) => {
      const waves = moving.filter(({ from }) => from === revision).map(({ name }) => name);
      return moveLine(waves, { revision, lockText: await lockTextAt(repository, revision) }, to);
    }),
  );
}

/** What a rollout moves, in one line: `canary, rest: a1b2c3d => d4e5f6a; nixpkgs 8eeec93 → 391b592, 36 days later`. */
export function moveLine(
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
