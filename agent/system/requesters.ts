/** Who requested a run of the system's update. */
import { rightOf, type Right, type Trigger } from "../../rules/decision/run-right";
import type { RetryPlace } from "../retry";
import type { RunOptions } from "../options";
import { takeRequests } from "../requests";
import { type Started, whoStarted } from "../trigger";

interface Requesters {
  trigger: Trigger;
  by: string;
  right: Right;
  /** Whether one of the requesters is a person on the machine. */
  person: boolean;
}

export const requesterNames = (requests: readonly Pick<Started, "by">[]) =>
  requests
    .map(({ by = "" }) => by)
    .filter((by) => by !== "")
    .join(", ") || "unknown";

/** Takes all waiting requests and adds who started the run. The run may do what any one of them may ask for. */
export async function takeRequesters(place: RetryPlace, options: RunOptions): Promise<Requesters> {
  const requests: Started[] = takeRequests(place.runFolder);
  const starter = await whoStartedRun(place, options);
  // Besides timers and retries, only requests start the service. Without a request, someone ran systemctl.
  if (starter !== undefined) requests.push(starter);
  else if (requests.length === 0) requests.push({ trigger: "manual", by: undefined });
  const all = requests.map(({ trigger }) => trigger);
  // A person may name any revision, even if others request the run too.
  const right = options.wanted === undefined ? rightOf(all, starter?.repeats) : "head";
  return { trigger: all[0] ?? "manual", by: requesterNames(requests), right, person: all.includes("manual") };
}

async function whoStartedRun(place: RetryPlace, { trigger, by }: RunOptions): Promise<Started | undefined> {
  if (trigger !== undefined || by !== undefined) return { trigger: trigger ?? "manual", by };
  return whoStarted(place.manager, place.service, place.runFolder);
}
