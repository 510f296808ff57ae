/** Whom a run of the system's update serves. */
import { type Requester, requester } from "../../rules/decision/run-right";
import type { RetryPlace } from "../retry";
import type { RunOptions } from "../options";
import { pendingRequests, readRequests } from "../requests";
import { remove } from "../host/files";
import { isRestarted, writeServing } from "../serving";
import { isService, whoStarted } from "../trigger";

/** Whether a run serves requests. One by hand leaves them to the service, which is started for each: it may be interrupted at any time. */
export function servesRequests({ trigger, by, wanted }: RunOptions): boolean {
  return isService() && trigger === undefined && by === undefined && wanted === undefined;
}

/** Who started a run, besides the requests that wait for it. */
export async function whoStartedRun(place: RetryPlace, options: RunOptions): Promise<Requester[]> {
  if (!servesRequests(options)) {
    const { trigger = "manual", by = process.env["SUDO_USER"], wanted } = options;
    const asked = requester(trigger, by);
    // A person may name any revision.
    return [wanted === undefined ? asked : { ...asked, right: "head" }];
  }
  const started = await whoStarted(place);
  // Besides timers and retries, only requests start the service. Without a request, someone ran systemctl.
  if (started.length > 0 || pendingRequests(place.runFolder).length > 0) return started;
  // One that was killed before it wrote down whom it serves, or after its end, gives no right to this one.
  return [(await isRestarted(place)) ? requester("retry", "itself, after a run that was killed") : requester("manual")];
}

/**
 * Takes all waiting requests, for a run that holds the lock: one that still waits for it may be ended. They are deleted when the file says
 * that the run serves them.
 */
export function takeRequesters(runFolder: string, started: readonly Requester[]): Requester[] {
  const files = pendingRequests(runFolder);
  const served = [...readRequests(files), ...started];
  writeServing(runFolder, served);
  for (const file of files) remove(file);
  return served;
}
