/** The rules that say whom a run of an agent serves, and what it still asks before it acts. */
import { agentRule as rule, unit, type Mutant } from "./mutant";

export const runMutants: readonly Mutant[] = [
  rule(
    "engine",
    "a hold that comes during a build counts",
    "if (isSameUpdate(decision, driver.decide(situation, request, found)))",
    "if (situation !== undefined)",
    unit("agent/engine"),
  ),
  rule(
    "engine",
    "work that is begun during a build is left alone",
    "return (await deferredByWork(driver, request, decision)) ?? (await deploy(driver, request, update, built));",
    "return deploy(driver, request, update, built);",
    unit("agent/engine"),
  ),
  rule(
    "retry",
    "a retry may go no further than the run that it repeats",
    'writeFileAtomic(join(runFolder, "retry-right"), right);',
    "",
    unit("agent/retry"),
  ),
  rule(
    "serving",
    "a run that is killed comes back with its own right",
    'Number(shown?.["NRestarts"]) > 0 ? left : []',
    "shown === undefined ? left : []",
    unit("agent/requesters", "agent/home"),
  ),
  rule(
    "serving",
    "a run that was stopped leaves its right to no other",
    'Number(shown?.["NRestarts"]) > 0 ? left : []',
    "shown === undefined ? [] : left",
    unit("agent/requesters"),
  ),
  rule(
    "system/requesters",
    "a run by hand answers no request",
    "isService() && trigger === undefined",
    "trigger === undefined",
    unit("agent/requesters"),
  ),
  rule(
    "commands/run-system",
    "a run that waits for the lock takes no request",
    "const lock = await acquireLock(",
    "if (serves) takeRequesters(runFolder, started);\n  const lock = await acquireLock(",
    unit("agent/requesters"),
  ),
  rule(
    "system/wait",
    "a deadline counts for the update that waits",
    "of === revision && known",
    "known",
    unit("agent/window"),
  ),
  rule(
    "retry",
    "a retry that was called off repeats nothing",
    '?? { why: "it was called off", right: "approved" }',
    '?? { why: "it was called off", right: "head" }',
    unit("agent/retry"),
  ),
  rule(
    "retry",
    "a run with fewer rights does not end a retry with more",
    'if (owed?.right === "head") await retryLater(place, why ?? owed.why, "head");\n  else if',
    "if",
    unit("agent/retry"),
  ),
  rule(
    "system/conclude-system",
    "a hold of the machine holds its homes",
    "...(held === undefined ? {} : { held }),",
    "",
    unit("agent/conclude-system"),
  ),
  rule(
    "system/conclude-system",
    "homes learn after a boot what a machine runs that is held",
    '!isThere(join(place.runFolder, "homes.json")) ||',
    "",
    unit("agent/conclude-system"),
  ),
];
