/** Revisions that are bad in themselves. */
import { type Fault, failed, rolledBack } from "../fault";

export const revisions: Fault[] = [
  { name: "revision that does not evaluate", flaw: "evaluation", reports: [failed("build")] },
  { name: "revision that does not build", flaw: "build", reports: [failed("build")] },
  { name: "revision without an agent", flaw: "orphan", reports: [failed("verify")] },
  { name: "revision that does not activate", flaw: "activation", reports: [rolledBack("switch")] },
  { name: "revision with a unit that fails", flaw: "unit", reports: [rolledBack("health")] },
  { name: "revision with a unit that restarts in a loop", flaw: "restarts", reports: [rolledBack("health")] },
  { name: "revision whose health check fails", flaw: "check", reports: [rolledBack("health")] },
  { name: "revision whose health check hangs", flaw: "hangingCheck", reports: [rolledBack("health")] },
  { name: "revision that cuts its own network", flaw: "cutsItsNetwork", reports: [rolledBack("health")] },
  { name: "revision whose boot loader cannot be installed", flaw: "bootLoader", reports: [rolledBack("switch")] },
  { name: "switch that never returns", flaw: "hangs", reports: [rolledBack("switch")] },
  { name: "switch that cannot be stopped", flaw: "hangsHard", reports: [rolledBack("switch")] },
];
