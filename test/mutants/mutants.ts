/** All safety rules, each with a small change that removes it. The tests named beside it must then go red. */
import { activationMutants } from "./activation";
import { agentMutants } from "./agent";
import { bootMutants } from "./boots";
import { failureMutants } from "./failures";
import type { Mutant } from "./mutant";
import { meanwhileMutants } from "./meanwhile";
import { operatorMutants } from "./operator";
import { rolloutMutants } from "./rollouts";
import { programMutants } from "./program";
import { ruleMutants } from "./rules";
import { runMutants } from "./runs";
import { sourceMutants } from "./sources";
import { startupMutants } from "./startup";

export type { Mutant };

export const mutants: readonly Mutant[] = [
  ...activationMutants,
  ...agentMutants,
  ...bootMutants,
  ...failureMutants,
  ...meanwhileMutants,
  ...operatorMutants,
  ...programMutants,
  ...runMutants,
  ...rolloutMutants,
  ...ruleMutants,
  ...sourceMutants,
  ...startupMutants,
];
