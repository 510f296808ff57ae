/** Whom a run of the system's update serves. */
import { rightOf, type Right, type Trigger } from "../../rules/decision/run-right";
import type { RetryPlace } from "../retry";
import type { RunOptions } from "../options";
import { type Request, takeRequests } from "../requests";
import { type Started, whoStarted } from "../trigger";

interface Asked {
  trigger: Trigger;
  by: string;
  right: Right;
  /** Whether someone on the machine is among them. */
  person: boolean;
}

export const namesOf = (requests: readonly Pick<Request, "by">[]) =>
  requests
    .map(({ by }) => by)
    .filter((by) => by !== "")
    .join(", ") || "unknown";

/** Those whose requests wait, which this takes up, and who started the run: none of them loses what he may ask for. */
export async function whoAsks(place: RetryPlace, options: RunOptions): Promise<Asked> {
  const requests: Started[] = takeRequests(place.runFolder);
  const starter = await whoBegan(place, options);
  // What starts the service besides timers and retries is a request; without one it was someone with systemctl.
  if (starter !== undefined) requests.push(starter);
  else if (requests.length === 0) requests.push({ trigger: "manual", by: undefined });
  const all = requests.map(({ trigger }) => trigger);
  // A person's wish goes anywhere, whatever else asks.
  const right = options.wanted === undefined ? rightOf(all, starter?.repeats) : "head";
  const by = namesOf(requests.map((request) => ({ by: request.by ?? "" })));
  return { trigger: all[0] ?? "manual", by, right, person: all.includes("manual") };
}

async function whoBegan(place: RetryPlace, { trigger, by }: RunOptions): Promise<Started | undefined> {
  if (trigger !== undefined || by !== undefined) return { trigger: trigger ?? "manual", by };
  return whoStarted(place.manager, place.service, place.runFolder);
}
