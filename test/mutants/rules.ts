/** The rules that a VM decides and remembers by. */
import { unit, type Mutant } from "./mutant";

const decided = unit("rules/decide-system", "rules/decide-laws", "differential/system");

const rule = (
  file: string,
  rule: string,
  before: string,
  after: string,
  tests: readonly string[] = decided,
): Mutant => ({
  rule,
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
  rule(
    "control-item",
    "an undo is about its revision alone",
    "own(own(control.instead, wave), revision)",
    "Object.values(own(control.instead, wave) ?? {})[0]",
  ),
  rule(
    "target-revision",
    "back to the revision before is where the VM is, if it never left",
    "return deployed === bad",
    "return true",
  ),
  rule(
    "agent-state",
    "what ran before is remembered for an undo",
    "before.revision === undefined || before.revision === revision",
    "true",
    unit("rules/agent-state"),
  ),
  rule(
    "agent-state",
    "what failed is remembered",
    "refused: [...kept, ...added]",
    "refused: [...kept]",
    unit("rules/agent-state"),
  ),
  rule(
    "agent-state",
    "a state half written is not taken for an empty one",
    'readable: text.trim() === ""',
    "readable: true",
    unit("rules/agent-state", "agent/files"),
  ),
  rule(
    "relevant-state",
    "the watcher sees that its VM is in another wave",
    "{ wave: wave ?? null, approval }",
    "{ wave: null, approval }",
    unit("rules/relevant-state", "agent/look"),
  ),
  rule(
    "relevant-state",
    "the watcher acts on what concerns its VM alone",
    "holdsOn(value, { name: vm, wave: wave ?? null }, approval?.revision)",
    "value.holds",
    unit("rules/relevant-state"),
  ),
  rule(
    "decide-home",
    "a home waits for its approval",
    "if (approved !== undefined) {",
    "if (approved?.revision !== undefined) {",
    unit("rules/decide-home"),
  ),
  rule(
    "decide-home",
    "a home's run goes no further than its right",
    'if (right === "approved") return',
    "if (false) return",
    unit("rules/decide-home"),
  ),
  rule(
    "decide-home",
    "a hold of its user stops a home",
    "if (input.localHold !== null) return",
    "if (false) return",
    unit("rules/decide-home"),
  ),
  rule(
    "failure",
    "what passes by itself is not the revision's fault",
    'cause !== "revision" && cause',
    'cause === "unknown" && cause',
    unit("rules/failure", "agent/nix"),
  ),
  rule(
    "failure",
    "a full disk is not the revision's fault",
    'if (diskProblem(text) !== undefined) return "space";\n  if (nixResources',
    "if (nixResources",
    unit("rules/failure", "agent/nix"),
  ),
];
