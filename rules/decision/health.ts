/** Which units show that a new system or home is unhealthy: a pure function of what systemd said before and after the switch. */

/** A unit as `systemctl show` describes it. */
export interface UnitState {
  id: string;
  activeState: string;
  subState: string;
  restarts: number;
  /** oneshot, simple…; empty for a unit that is not a service. */
  type: string;
  triggeredBy: readonly string[];
  /** The file that a generator made it from. */
  source: string;
}

interface UnitsInput {
  /** Names of the units that were failed, or restarted in a loop, before the switch. */
  before: readonly string[];
  /** Just after the switch: units that have failed, and those that systemd restarts. */
  first: readonly UnitState[];
  /** The same after the units have had time to fail. */
  last: readonly UnitState[];
  /** Whether a unit, its template or its generator is part of the old or the new configuration. */
  belongs: (unit: UnitState) => boolean;
  /** Whether its files differ between the two. */
  changed: (unit: UnitState) => boolean;
  ignored: readonly string[];
}

interface BadUnit {
  id: string;
  problem: "failed" | "restarts in a loop";
}

/**
 * Ignored units: the agents' own units, users' managers and sessions, and core dumps say nothing about a configuration. Nor does the
 * activation of a home by Home Manager's NixOS module: it reads its user's files, so the user could make each update fail. The watcher
 * does count: without it no approval arrives.
 */
const never =
  /^(?:nixos-auto-update(?!-watch\.service$)|nixos-hm-auto-update|home-manager-|user@|user-runtime-dir@|session-|systemd-coredump@|run-user-).*|^user-\d+\.slice$/;

/** How often a unit may restart by itself while it settles. */
const RESTARTS = 2;

export function badUnits({ before, first, last, belongs, changed, ignored }: UnitsInput): BadUnit[] {
  const started = new Map(first.map((unit) => [unit.id, unit]));
  return last.flatMap((unit): BadUnit[] => {
    if (never.test(unit.id) || ignored.some((pattern) => matches(pattern, unit.id))) return [];
    if (before.includes(unit.id) || !belongs(unit)) return [];
    if (unit.activeState === "failed")
      return isTimersOwn(unit) && !changed(unit) ? [] : [{ id: unit.id, problem: "failed" }];
    const restarts = unit.restarts - (started.get(unit.id)?.restarts ?? 0);
    return loopingStates.includes(unit.subState) || restarts >= RESTARTS
      ? [{ id: unit.id, problem: "restarts in a loop" }]
      : [];
  });
}

/**
 * Whether systemd may restart a service by itself, as its configuration's files say.
 * @param own the unit's file, or its template's; empty if it is elsewhere, where it may say anything
 */
export function mayRestart(own: string, dropIns: string): boolean {
  return own === "" || /^\s*Restart(?:ForceExitStatus)?\s*=\s*(?!no\s*$)\S/m.test(`${own}\n${dropIns}`);
}

/** Substates of a service that failed and waits for its restart. */
export const loopingStates = ["auto-restart", "auto-restart-queued"];

/** A job that its timer starts. If the switch did not touch it, its failure has another reason. */
function isTimersOwn({ type, triggeredBy }: UnitState): boolean {
  return type === "oneshot" && triggeredBy.some((name) => name.endsWith(".timer"));
}

/** A unit's name, where `*` stands for anything. */
function matches(pattern: string, id: string): boolean {
  const escaped = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`).test(id);
}
