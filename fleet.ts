/** The operator's tool as `./scripts/fleet` starts it: the commands of control/, and what the program makes of a stack's settings. */
import { main } from "./control/cli";

// Read only when a command asks: few do, and the tool is to start at once.
void main(async (raw, stack) => (await import("./infra/expected.js")).expectedOf(raw, stack, __dirname));
