/** The rules by which a machine reboots, and by which what waited for a boot is checked after it. */
import { agentRule as rule, unit, type Mutant } from "./mutant";

const waiting = unit("agent/activation/waiting-trial");
const reboot = unit("agent/activation/reboot");

export const bootMutants: readonly Mutant[] = [
  rule(
    "activation/activation",
    "what waited for a boot proves itself after it, though a newer update was cut short",
    "const trialOver = leftOver(trial, driver);\n    return",
    "const trialOver = {};\n    return",
    waiting,
  ),
  rule(
    "activation/activation",
    "what waited for a boot is not blamed for the boot of what replaced it",
    "if (waitsAgain === undefined || driver.bootedAnother?.(waitsAgain.path) !== true) return",
    "if (waitsAgain !== null) return",
    waiting,
  ),
  rule(
    "engine",
    "what waited for a boot is checked before anything newer is deployed",
    "for (let left = 2;",
    "for (let left = 1;",
    waiting,
  ),
  rule(
    "commands/reboot",
    "the reboot timer does not reboot a machine during an update",
    'await tryLock(driver.place.lockFile, "the reboot timer")',
    "{ release: () => undefined }",
    reboot,
  ),
  rule(
    "commands/reboot",
    "a hold that comes during a run keeps the machine from a reboot after it",
    "...(held === undefined ? {} : { held })",
    "",
    reboot,
  ),
  rule(
    "activation/reboot",
    "a shutdown that is scheduled stays as it is",
    'if (isThere(scheduled) || isThere("/run/nologin")) return;',
    "",
    unit("agent/activation/reboot"),
  ),
  rule(
    "activation/reboot",
    "a hold calls off a reboot that is scheduled",
    "const calledOff = required ? place.held :",
    "const calledOff = required ? undefined :",
    unit("agent/activation/reboot"),
  ),
  rule(
    "activation/reboot",
    "an update does not begin a reboot's deadline again",
    "else if (requiredSince(runFolder) === undefined) writeFileAtomic",
    "else writeFileAtomic",
    unit("agent/activation/reboot"),
  ),
  rule(
    "activation/reboot",
    "a reboot that nothing needs any more is called off",
    'required ? place.held : "nothing needs it any more";',
    "place.held;",
    unit("agent/activation/reboot"),
  ),
];
