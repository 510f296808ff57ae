/** What people do with holds and rollbacks while others roll out, or hold too. */
import { unit, type Mutant } from "./mutant";

export const meanwhileMutants: readonly Mutant[] = [
  {
    rule: "a person's hold does not replace another person's",
    file: "rules/rollout/control-item.ts",
    before: "|| (revision === undefined && by !== hold.by)",
    after: "",
    tests: unit("cli/cli"),
  },
  {
    rule: "a resume ends no other person's hold unasked",
    file: "rules/rollout/control-item.ts",
    before: "(hold.revision !== undefined || hold.by === by || named.includes(hold.by))",
    after: "true",
    tests: unit("cli/cli", "cli/confirm"),
  },
  {
    rule: "a report of the fleet's hold is no answer after the hold has ended",
    file: "rules/gate/vm-result.ts",
    before: "report !== null && hold === undefined && saysFleetHold(report)",
    after: "false",
    tests: unit("gate/silence"),
  },
  {
    rule: "a VM says that it is held on the VM itself",
    file: "rules/decision/decide-system.ts",
    before: "held(input.localHold, ownHoldText)",
    after: "held(input.localHold)",
    tests: unit("rules/decision/decide-system"),
  },
  {
    rule: "a home that was held before the update has not answered it",
    file: "rules/gate/homes.ts",
    before: "&& isAnswer(report, wanted, since)",
    after: "",
    tests: unit("gate/homes"),
  },
  {
    rule: "what happened since the plan counts before an approval is written",
    file: "infra/components/rollout/rollout.ts",
    before: ", ...args.guard.hooks",
    after: "",
    tests: ["test/program/meanwhile.test.ts"],
    only: "a rollback right after",
  },
  {
    rule: "a wave is not approved while no one knows whether it is held",
    file: "infra/components/rollout/approval-check.ts",
    before: "if (pause === undefined) return unreadText(planned, error);",
    after: "if (pause === undefined) return undefined;",
    tests: unit("infra/approval-check"),
  },
  {
    rule: "an update with --target passes no gate by",
    file: "infra/components/rollout/approval-check.ts",
    before: 'if (summary?.["revision"] !== revision)',
    after: "if (false)",
    tests: unit("infra/approval-check"),
  },
  {
    rule: "a refused approval releases the failures that wait for the rollout",
    file: "infra/components/rollout/approval-check.ts",
    before: "refused();",
    after: "",
    tests: unit("infra/approval-check"),
  },
  {
    rule: "a gate undoes in its own wave what was rolled back in an earlier one",
    file: "rules/gate/reaction.ts",
    before: "undo === undefined || undo.wave === options.wave ? undefined : undo.good",
    after: "undefined",
    tests: unit("gate/under-pulumi"),
  },
];
