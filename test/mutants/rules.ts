/** The rules that a VM decides by: without one of them rules/ differs from what the agents do. */
import { unit, type Mutant } from "./mutant";

const tests = unit("rules/decide-system", "differential/system");

const rule = (file: string, rule: string, before: string, after: string): Mutant => ({
  rule: `rules/: ${rule}`,
  file: `rules/${file}.ts`,
  before,
  after,
  tests,
});

export const ruleMutants: readonly Mutant[] = [
  rule("decide-system", "a hold on the machine itself", "if (input.localHold !== null) return", "if (false) return"),
  rule("decide-system", "what is not known moves nothing", 'if (metadata.kind === "away")', "if (false)"),
  rule("decide-system", "a VM that left its fleet stays", "input.joined && !force", "false && !force"),
  rule(
    "decide-system",
    "a control item that is not readable is a hold",
    "if (!control.ok) return held",
    "if (false) return held",
  ),
  rule(
    "decide-system",
    "holds of the control item",
    "if (first === undefined) return decided",
    "if (true) return decided",
  ),
  rule("control-item", "a gate's hold lapses", "hold.revision === undefined || hold.revision === approved", "true"),
  rule(
    "target-revision",
    "a pin comes before the approval",
    "if (pin !== undefined) return named",
    "if (false) return named",
  ),
  rule(
    "target-revision",
    "a run may be without the right to the head",
    'right === "approved" || rolloutOpen',
    "rolloutOpen",
  ),
  rule("target-revision", "an open rollout binds", "|| rolloutOpen(approvals);", "|| false;"),
  rule("target-revision", "an approval waits for its metadata", "if (other !== undefined) return", "if (false) return"),
  rule("target-revision", "an old approval moves nothing back", "if (!descends) return", "if (true) return"),
  rule("target-revision", "an undo", "if (override !== undefined) return", "if (false) return"),
  rule("decision", "what failed is not tried again", "if (refusal !== undefined) return", "if (false) return"),
  rule("decision", "another host is something to do", "!drifted && change === undefined", "!drifted"),
  rule(
    "metadata",
    "only 404 means that there is no item",
    "if (instance?.status === 404)",
    "if (instance?.status !== 200)",
  ),
  rule("approval", "an approval names its lock", '  lock: isDigest,\n  "repository?"', '  "repository?"'),
];
