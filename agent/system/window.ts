/** The VM's maintenance window, from its settings and the time. */
import { join } from "node:path";
import { parseRange, windowState, type WindowRange, type WindowState } from "../../rules/decision/window";
import { remove } from "../host/files";
import { log } from "../host/log";
import { startWait, waitingSince } from "./wait";

interface WindowRequest {
  settings: Record<string, unknown>;
  urgent: boolean;
  person: boolean;
}

/** Whether an update may be activated now. The first time that a revision has to wait is recorded, since its deadline counts from then. */
export function updateWindow(stateFolder: string, request: WindowRequest & { revision: string }): WindowState {
  const { revision } = request;
  const file = join(stateFolder, "waiting-since");
  const since = waitingSince(file, revision);
  const state = stateOf(request, since);
  if (state.open) remove(file);
  else if (since === undefined) startWait(file, revision);
  return state;
}

/** Whether the VM may reboot now: inside its window, and inside the window for reboots. */
export function rebootWindows(request: WindowRequest, waitingSince: Date): WindowState[] {
  const legacy = rebootRange(request.settings["rebootWindow"]);
  const now = new Date();
  const alone = { ranges: legacy, now, urgent: request.urgent, person: request.person };
  return [stateOf(request, waitingSince), windowState(alone)];
}

function stateOf({ settings, urgent, person }: WindowRequest, waitingSince: Date | undefined): WindowState {
  const seconds = settings["windowDeadline"];
  const deadline = typeof seconds === "number" ? seconds * 1000 : undefined;
  return windowState({ ranges: rangesOf(settings["window"]), now: new Date(), waitingSince, deadline, urgent, person });
}

function rangesOf(value: unknown): WindowRange[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((text) => {
    try {
      return [parseRange(String(text))];
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
      return [];
    }
  });
}

/** `{ lower, upper }`, each HH:MM. */
function rebootRange(value: unknown): WindowRange[] {
  if (typeof value !== "object" || value === null) return [];
  const { lower, upper } = value as Record<string, unknown>;
  return rangesOf([`${String(lower)}-${String(upper)}`]);
}
