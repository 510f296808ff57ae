/** The operator's tool as `./scripts/fleet` starts it: the commands of cli/, and what the program makes of a stack's settings. */
import { main } from "./cli/cli";
import { projectDirectory } from "./cli/project-directory";

// Read only when a command asks: few do, and the tool is to start at once. By `require`, since tsx resolves no `import()` where it is
// started by --require itself.
void main((raw, stack) => {
  // oxlint-disable-next-line typescript/no-require-imports
  const { expectedOf } = require("./infra/desired-state") as typeof import("./infra/desired-state");
  return Promise.resolve(expectedOf(raw, stack, projectDirectory()));
});
