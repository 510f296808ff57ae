/** What is done about a revision where its origin (host, home's attribute, repository) changed or it is refused: 0.1.0 looked at the revision alone. */
import type { AgentState } from "../../../rules/agent-state";
import { deployedOf, deployedText, originChange, refusalOf, type Origin } from "../../../rules/decision/decision";
import { flat } from "../../../rules/text/text";
import type { Comparable, Difference } from "./compare";

/** What is done about a revision, as far as origins count. */
export interface TargetFacts {
  state: AgentState;
  origin: Origin;
  /** The revision to go to, or the one whose failure a gate's hold is about; undefined where there is neither. */
  revision: string | undefined;
  drifted: boolean;
  force: boolean;
  retry: readonly string[];
}

/** @param what is built, such as `host` */
export function targetDifferences<S>(what: string, factsOf: (situation: S) => TargetFacts): Difference<S>[] {
  const isDeployed = ({ state, revision, drifted }: TargetFacts) =>
    revision !== undefined && deployedOf(state) === revision && !drifted;
  const change = ({ state, origin }: TargetFacts) => originChange(state, origin);
  return [
    {
      name: `another ${what} or repository was nothing to do`,
      applies: (situation) => {
        const facts = factsOf(situation);
        return isDeployed(facts) && change(facts) !== undefined;
      },
    },
    {
      name: `the failure of another ${what} or repository was this one's`,
      applies: (situation) => {
        const facts = factsOf(situation);
        const { state, revision, origin, force, retry } = facts;
        const theirs = refusalOf(state, revision, {}, { force, retry });
        const isCurrent = isDeployed(facts) && change(facts) === undefined;
        return !isCurrent && theirs !== refusalOf(state, revision, origin, { force, retry });
      },
    },
    {
      name: "a refusal that names no stage said null",
      fields: ["reason"],
      applies: (situation) => {
        const { state, revision, origin, force, retry } = factsOf(situation);
        const refusal = refusalOf(state, revision, origin, { force, retry });
        return refusal !== undefined && refusal.stage === undefined;
      },
    },
  ];
}

/**
 * An answer in the words of 0.1.0, whose reason for an update names what is deployed also where another origin is why. So the rest of it
 * is compared.
 */
export function inOldWords(answer: Comparable, { state, origin }: Pick<TargetFacts, "state" | "origin">): Comparable {
  const change = originChange(state, origin);
  const { action, reason } = answer;
  if (action !== "update" || change === undefined || typeof reason !== "string") return answer;
  return { ...answer, reason: reason.replace(`; ${flat(change)}`, () => `; ${deployedText(state)}`) };
}
