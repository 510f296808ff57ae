/** The rules by which a VM's agent tells a revision's own fault from others, and does not wait forever. */
import { agentRule, unit, type Mutant } from "./mutant";

const classes = unit("rules/decision/failure");
const rule = (file: string, name: string, before: string, after: string): Mutant => ({
  ...{ rule: name, file: `rules/${file}.ts`, before, after },
  tests: classes,
});

export const failureMutants: readonly Mutant[] = [
  rule(
    "decision/failure",
    "an evaluation that meets a time limit is not refused",
    "evaluationFailure({ status, limit, text }: ProcessEnd): FailureCause {\n  if (limit !== undefined) return atLimit(text);",
    'evaluationFailure({ status, limit, text }: ProcessEnd): FailureCause {\n  if (limit !== undefined) return "revision";',
  ),
  rule(
    "decision/failure",
    "a build that meets a time limit is not refused",
    "buildFailure({ status, limit, text }: ProcessEnd): FailureCause {\n  if (limit !== undefined) return atLimit(text);",
    'buildFailure({ status, limit, text }: ProcessEnd): FailureCause {\n  if (limit !== undefined) return "revision";',
  ),
  rule(
    "git-answer",
    "a server that refuses in words of its own refuses",
    "return said.length > 0 && !said.some(",
    "return said.length < 0 && !said.some(",
  ),
  rule(
    "git-answer",
    "a connection that broke is no refusal",
    "connection.test(line) || trouble.test(line)",
    "trouble.test(line)",
  ),
  agentRule(
    "activation/home-activation",
    "a home whose activation lacked the Nix daemon is tried again",
    "...(passes === undefined ? {} : { passes })",
    "",
    unit("agent/output"),
  ),
  agentRule(
    "activation/activation",
    "an activation that stopped half way for lack of something goes back",
    'switched.kind === "failed" && switched.unchanged === true',
    'switched.kind === "failed" && switched.passes === "busy"',
    unit("agent/activation/busy"),
  ),
  agentRule("nix/nix", "an evaluation follows the lock", '"--no-update-lock-file", ', "", unit("agent/nix/nix")),
  agentRule(
    "nix/nix",
    "Nix does not look up what the lock does not have",
    '"--no-update-lock-file", ',
    '"--no-update-lock-file", "--no-write-lock-file", ',
    unit("agent/nix/nix"),
  ),
  agentRule(
    "retry",
    "a suspended VM does not miss the moment of its retry",
    "return { option: `--on-calendar=${time}`, when: `at ${time}` };",
    "return timerAfter(Math.ceil(due - now));",
    unit("agent/retry"),
  ),
  agentRule(
    "retry",
    "a retry whose moment has passed comes",
    "if (due < now + NEAR) return timerAfter(Math.max(1, Math.ceil(due - now)));",
    "",
    unit("agent/retry"),
  ),
  agentRule(
    "nix/nix",
    "repeated time limits are recognised as the same failure",
    "[lines, limits[limit]]",
    "[lines]",
    unit("agent/nix/nix"),
  ),
  agentRule(
    "git/git",
    "ssh gives up a server that falls silent",
    " -o ServerAliveInterval=15 -o ServerAliveCountMax=4",
    "",
    unit("agent/credentials/credentials"),
  ),
  agentRule(
    "credentials/repository-keys",
    "git that Nix starts gives up a server that falls silent",
    ", ...STALLED };",
    " };",
    unit("agent/credentials/repository-keys"),
  ),
  {
    rule: "a user who logs out during a switch is not the revision's fault",
    file: "rules/decision/activation.ts",
    before: 'if (activated && status === 1 && userLeft.test(output)) return { kind: "user left" };',
    after: "",
    tests: unit("rules/activation"),
  },
  agentRule(
    "activation/switch-system",
    "a switch that a user ended twice is not held against the revision",
    'return { kind: "failed", error: second.error, passes: "busy" };',
    'return { kind: "failed", error: second.error };',
    unit("agent/activation/switch"),
  ),
  agentRule(
    "activation/switch-system",
    "a switch that was run again has changed the machine",
    "return failed;",
    "return second;",
    unit("agent/activation/switch"),
  ),
];
