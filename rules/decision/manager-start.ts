/**
 * Whether a home's update waits until its user's manager has started. Home Manager reloads units only if the manager says `running` or
 * `degraded`, and otherwise exits as if it had (modules/systemd.nix, "Skipping reload"). A manager says `starting` until it has had no job
 * for the first time (manager_check_finished, systemd), and the agent's own service is such a job until it ends.
 */

interface ManagerStart {
  /** What `systemctl --user is-system-running` prints. */
  state: string;
  /** The units that have jobs. */
  jobs: readonly string[];
  /** The agent's service, without its suffix. */
  service: string;
  /** Seconds since the manager's start. */
  age: number;
  /** Seconds for which this run has waited. */
  waited: number;
}

/** Seconds for which a run waits for other units. */
const PATIENCE = 10;
/** Seconds after which a manager counts as one whose start never ends. */
const LONGEST_START = 900;

export const isStarting = (state: string): boolean => state === "initializing" || state === "starting";

/** `defer`: the run ends, since its own service may be what the manager waits for. */
export function managerStart({ state, jobs, service, age, waited }: ManagerStart): "activate" | "wait" | "defer" {
  if (!isStarting(state) || age > LONGEST_START) return "activate";
  const others = jobs.filter((unit) => !unit.startsWith(service));
  return others.length > 0 && waited < PATIENCE ? "wait" : "defer";
}
