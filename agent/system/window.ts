/** The VM's maintenance window, from its settings and the time. */
import { join } from "node:path";
import { parseRebootWindow, parseWindow, windowState, type WindowState } from "../../rules/decision/window";
import type { Right } from "../../rules/decision/run-right";
import type { Ending } from "../ending";
import { remove } from "../host/files";
import { log } from "../host/log";
import { readWait, writeWait } from "./wait";

interface WindowRequest {
  settings: Record<string, unknown>;
  urgent: boolean;
  person: boolean;
}

const waitFile = (stateFolder: string) => join(stateFolder, "waiting-since");

/** Whether an update may be activated now. The deadline counts from the first update that had to wait, also if a newer one replaces it. */
export function updateWindow(
  stateFolder: string,
  request: WindowRequest & { revision: string; right: Right },
): WindowState {
  const { revision, right } = request;
  const file = waitFile(stateFolder);
  const wait = readWait(file);
  const state = stateOf(request, wait?.since);
  if (!state.open) writeWait(file, { revision, since: wait?.since ?? new Date(), right: wait?.right ?? right });
  return state;
}

/**
 * After a run: nothing waits for the window any more, unless the update is still to come. A run that may go only to an approved revision
 * does not know whether the branch's head waits.
 */
export function endWindowWait(stateFolder: string, right: Right, { outcome, retry, passes }: Ending): void {
  const file = waitFile(stateFolder);
  if (retry !== undefined || passes === true) return;
  const isPartial = right === "approved" && outcome !== "updated" && outcome !== "held";
  if (isPartial && readWait(file)?.right === "head") return;
  try {
    remove(file);
  } catch {
    log(`could not remove ${file}`);
  }
}

/** Whether the VM may reboot now: inside its window, and inside the window for reboots. */
export function rebootWindows(request: WindowRequest, waitingSince: Date): WindowState[] {
  const { settings, urgent, person } = request;
  const alone = { window: parseRebootWindow(settings["rebootWindow"]), now: new Date(), urgent, person };
  return [stateOf(request, waitingSince), windowState(alone)];
}

function stateOf({ settings, urgent, person }: WindowRequest, waitingSince: Date | undefined): WindowState {
  const seconds = settings["windowDeadline"];
  const deadline = typeof seconds === "number" ? seconds * 1000 : undefined;
  const window = parseWindow(settings["window"]);
  return windowState({ window, now: new Date(), waitingSince, deadline, urgent, person });
}
