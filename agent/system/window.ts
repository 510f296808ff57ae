/** The VM's maintenance window, from its settings and the time. */
import { join } from "node:path";
import { parseRebootWindow, parseWindow, windowState, type WindowState } from "../../rules/decision/window";
import { remove } from "../host/files";
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
