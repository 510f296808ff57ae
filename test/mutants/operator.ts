/** The rules of the program's project and of the tool's changes. */
import { unit, type Mutant } from "./mutant";

export const operatorMutants: readonly Mutant[] = [
  {
    rule: "a VM's text is no command to a CI runner",
    file: "rules/text/text.ts",
    before: ".replace(runnerCommand,",
    after: ".replace(/^$/,",
    tests: unit("cli/text"),
  },
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
  {
    rule: "a gate asks each VM no more often than Google allows",
    file: "cli/gate/await.ts",
    before: "Math.max(least, (asked",
    after: "Math.max(0, (asked",
    tests: unit("gate/await"),
  },
  {
    rule: "who watches asks each VM no more often than Google allows",
    file: "cli/status/reader.ts",
    before: "?? 0) <= recent)",
    after: "?? 0) <= Infinity)",
    tests: unit("cli/status/status-reader"),
  },
  {
    rule: "a report that the metadata server dropped is written again",
    file: "agent/metadata-server.ts",
    before: "if (!(await this.isLost(key, value))) return;",
    after: "if (true) return;",
    tests: unit("agent/metadata-server"),
  },
  {
    rule: "a report that the metadata server lost is published again within an hour",
    file: "agent/report/publish.ts",
    before: "if (before.length === 0) return;",
    after: "if (true) return;",
    tests: unit("agent/look"),
  },
  {
    rule: "a home whose state changes without end leaves room for the machine's reports",
    file: "agent/commands/publish.ts",
    before: "if (wait > 0) {",
    after: "if (false) {",
    tests: unit("agent/report/publish-home"),
  },
];
