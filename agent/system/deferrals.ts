/** Why a system's update is deferred: its window, its turn, or a reboot. */
import { join } from "node:path";
import type { AgentState } from "../../rules/agent-state";
import { TURN_SECONDS, waitsForTurn } from "../../rules/decision/turn";
import type { Metadata } from "../../rules/metadata";
import type { SystemDecision } from "../../rules/decision/decide-system";
import type { Place, Deferral, RunRequest } from "../driver";
import { secondsFrom } from "../host/time";
import type { RebootPlace } from "../activation/reboot";
import { readWaiting } from "../state";
import { readWait, writeWait } from "./wait";
import { updateWindow } from "./window";
import { readObject } from "../host/files";

export interface Pending {
  revision: string;
  toplevel: string;
}

/** A machine's first system ignores the window, because no person works on the machine yet. */
export function deferredByWindow(
  { stateFolder }: Place,
  { settings, target }: SystemDecision,
  { person, right, state }: Pick<RunRequest, "person" | "right"> & { state: AgentState },
): Deferral | undefined {
  if (target === undefined || state.revision === undefined || state.revision === "") return undefined;
  const { revision, urgent } = target;
  const window = updateWindow(stateFolder, { revision, settings, urgent, person, right });
  if (window.open) return undefined;
  const { until, unreadable } = window;
  const waits = `built; waiting for the window${unreadable === undefined ? "" : `, which is closed: ${unreadable}`}`;
  if (until === undefined) return { why: waits, waiting: { for: "window" } };
  const time = until.toISOString();
  return {
    why: `${waits}, until ${time} at the latest`,
    waiting: { for: "window", until: time },
    until,
  };
}

/** For a VM whose wave has turns. A person's run, an urgent approval and a machine's first system ignore the turn. */
export function deferredByTurn(
  { stateFolder }: Place,
  { target }: SystemDecision,
  { person, state, metadata }: { person: boolean; state: AgentState; metadata: Metadata },
): Deferral | undefined {
  if (metadata.kind !== "present" || target === undefined || target.urgent || person) return undefined;
  const { turns = 1 } = metadata.instance;
  const { revision } = target;
  if (turns <= 1 || (state.revision ?? "") === "") return undefined;
  const length = secondsFrom("NIXOS_AUTO_UPDATE_TURN", TURN_SECONDS);
  const times = { since: readySince(stateFolder, revision), now: new Date() };
  const until = waitsForTurn({ vm: metadata.vm, revision, turns, length, ...times });
  if (until === undefined) return undefined;
  const time = until.toISOString();
  return { why: `built; waiting for its turn, until ${time}`, waiting: { for: "turn", until: time }, until };
}

/** When this revision became ready to be activated; the first call records the time. */
function readySince(stateFolder: string, revision: string): Date {
  const file = join(stateFolder, "turn");
  const wait = readWait(file);
  if (wait?.revision === revision) return wait.since;
  const since = new Date();
  writeWait(file, { revision, since });
  return since;
}

/** The system that is set for the next boot and does not run yet. */
export function pendingSystem(
  { stateFolder }: Place,
  { boot, current }: { boot: string; current: string },
): Pending | undefined {
  const trial = readWaiting(stateFolder);
  if (trial?.mode !== "boot" || trial.kept === true || trial.boot !== boot) return undefined;
  return trial.path === current ? undefined : { revision: trial.revision, toplevel: trial.path };
}

/** The inputs of a reboot decision. The deployed system's settings count, because the running one may be an image without these settings. */
export function rebootPlaceOf(place: Place, decision: SystemDecision): RebootPlace {
  const { settings, target } = decision;
  const { profile, settingsPath, runFolder, stateFolder } = place;
  const deployedSettings = readObject(join(profile, settingsPath)) ?? {};
  const held = rebootHeld(decision);
  return {
    ...{ runFolder, deployedSettings, settings, trial: readWaiting(stateFolder), urgent: target?.urgent === true },
    ...(held === undefined ? {} : { held }),
  };
}

/** A hold keeps the VM from a reboot too. While the metadata server does not answer, there may be one. */
function rebootHeld({ outcome, waiting, reason }: SystemDecision): string | undefined {
  return outcome === "held" || waiting?.for === "metadata" ? reason : undefined;
}
