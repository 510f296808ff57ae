/** The rules by which a VM's agent activates a system, goes back from it and reboots. */
import { agentRule as rule, unit, type Mutant } from "./mutant";

const activation = unit("agent/activation/activation");
const rollBack = unit("agent/activation/roll-back");

export const activationMutants: readonly Mutant[] = [
  {
    rule: "a failed activation script counts if a unit failed as well",
    file: "rules/decision/activation.ts",
    before: 'if (/^Failed to run activate script/m.test(output)) return { kind: "failed" };',
    after: "",
    tests: unit("rules/activation"),
  },
  rule(
    "activation/activation",
    "a switch has to pass its health check (health check)",
    'if (error !== undefined) return fail(activation, trial, "health"',
    'if (false) return fail(activation, trial, "health"',
    activation,
  ),
  rule(
    "activation/activation",
    "a switch that left another system running does not count",
    "if (runs !== trial.path) {",
    "if (false) {",
    unit("agent/activation/switch-effect"),
  ),
  rule(
    "activation/activation",
    "what fails is rolled back",
    'const back = await driver.rollBack(trial, decision, passes === "busy");',
    "const back: RolledBack = { ok: true };",
    activation,
  ),
  rule(
    "activation/activation",
    "what was cut short does not boot later",
    'if (trial.mode === "switch") await driver.revertProfile(trial.path);',
    "",
    activation,
  ),
  rule(
    "activation/activation",
    "what is whole only after a boot proves itself again after it",
    "if (driver.awaitsBoot?.(trial.path) === true) {",
    "if (false) {",
    activation,
  ),
  rule(
    "activation/activation",
    "what a boot brought up has to pass its health check",
    "log(`${what} booted; checking its health`);\n    return verifyHealth(activation, trial);",
    "return Promise.resolve(deployed(trial));",
    activation,
  ),
  rule(
    "activation/activation",
    "what a boot passed over is rolled back",
    "if (trial.since !== undefined && driver.bootedAnother?.(trial.path) === true) {",
    "if (false) {",
    activation,
  ),
  rule(
    "activation/activation",
    "what was not yet set for the boot is not blamed for it",
    "if (trial.since !== undefined && driver.bootedAnother",
    "if (driver.bootedAnother",
    rollBack,
  ),
  rule(
    "activation/activation",
    "a rollback that was cut short goes on",
    "if (trial.undo !== undefined) {",
    "if (false) {",
    activation,
  ),
  rule(
    "activation/activation",
    "what failed is refused from then on",
    "passes === undefined ? { refuse: trial.revision }",
    "passes === undefined ? {}",
    activation,
  ),
  rule(
    "system/system",
    "nothing boots that has not proved itself",
    'switchToConfiguration(toplevel, "test")',
    "this.setForBoot(toplevel)",
    unit("agent/activation/switch"),
  ),
  rule(
    "system/system",
    "no update without an agent in it (orphan check)",
    'const there = isThere(join(toplevel, "etc/systemd/system", timer));',
    "const there = true;",
    unit("agent/activation/switch"),
  ),
  rule(
    "system/system",
    "a rollback goes to what ran, not to what waits for its boot",
    "waits === undefined ? readState(this.place.stateFolder).state : (trial.restores ?? {})",
    "readState(this.place.stateFolder).state",
    rollBack,
  ),
  rule(
    "system/system",
    "a rollback keeps the generation of what runs again",
    "next, trial.path === old ? undefined : trial.path",
    "next, trial.path",
    rollBack,
  ),
  rule(
    "activation/switch-system",
    "a shutdown waits for a switch",
    'return succeeded(await run(program, [...args, "true"], { timeout: 10_000 })) ? command : [];',
    "return [];",
    unit("agent/activation/switch"),
  ),
  rule(
    "home/people",
    "a logind that does not answer does not say that no one is logged in",
    "if (sessions === undefined) return [SOMEONE];",
    "if (sessions === undefined) return [];",
    unit("agent/people"),
  ),
];
