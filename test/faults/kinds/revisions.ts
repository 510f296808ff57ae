/** Revisions that are bad in themselves. */
import { type Fault, failed, rolledBack } from "../fault";

export const revisions: Fault[] = [
  { name: "revision that does not evaluate", flaw: "evaluation", reports: [failed("build")] },
  { name: "revision that does not build", flaw: "build", reports: [failed("build")] },
  { name: "revision without an agent", flaw: "orphan", reports: [failed("verify")] },
  { name: "revision that does not activate", flaw: "activation", reports: [rolledBack("switch")] },
  { name: "switch that never returns", flaw: "hangs", reports: [rolledBack("switch")] },
  { name: "switch that cannot be stopped", flaw: "hangsHard", reports: [rolledBack("switch")] },
];
