/** The rules as the model calls them: the real functions, each of which a mutant may replace. */
import { decideSystem } from "../../../rules/decision/decide-system";
import { relevantState } from "../../../rules/decision/relevant-state";
import { rightOf, type Right, type Trigger } from "../../../rules/decision/run-right";
import { chooseReaction } from "../../../rules/gate/reaction";
import { decide, step } from "../../../rules/gate/verdict";
import { readMetadata, type Metadata } from "../../../rules/metadata";
import { planWaves } from "../../../rules/rollout/wave-plan";

export interface Rules {
  rightOf: (trigger: Trigger, repeated: Right) => Right;
  decideSystem: typeof decideSystem;
  readMetadata: (answers: Parameters<typeof readMetadata>[0]) => Metadata;
  relevantState: typeof relevantState;
  planWaves: typeof planWaves;
  step: typeof step;
  decide: typeof decide;
  chooseReaction: typeof chooseReaction;
  minSucceeded: number;
  /** Whether approvals name the source that their revision is from. */
  approvalsNameSource: boolean;
  /** Whether a VM remembers what failed on it. */
  remembersRefusals: boolean;
}

export const realRules: Rules = {
  rightOf,
  decideSystem,
  readMetadata: (answers) => readMetadata(answers, true),
  relevantState,
  planWaves,
  step,
  decide,
  chooseReaction,
  minSucceeded: 1,
  approvalsNameSource: true,
  remembersRefusals: true,
};
