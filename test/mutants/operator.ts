/** The rules of the program's project and of the tool's changes. */
import { unit, type Mutant } from "./mutant";

export const operatorMutants: readonly Mutant[] = [
  {
    rule: "the fleet's project is its provider's",
    file: "infra/preflight/existing.ts",
    before: "if (provided === project) return;",
    after: "if (true) return;",
    tests: unit("infra/existing"),
  },
  {
    rule: "a change whose answer was lost is not made again",
    file: "cli/google/project-item.ts",
    before: "if (isMade(values)) return;",
    after: "",
    tests: unit("cli/google/project-item"),
  },
  {
    rule: "a change that may have been made is not reported as not made",
    file: "cli/google/project-item.ts",
    before: "error.mayBeMade = true;",
    after: "",
    tests: unit("cli/google/project-item"),
  },
];
