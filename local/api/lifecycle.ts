import type { Instance, InstanceStatus } from "./types";

/** What can happen to an instance: four things that the API does, and one that the machine does by itself. */
export type LifecycleEvent = "begin" | "stage" | "started" | "stop" | "stopped" | "exited";

const transitions: Record<LifecycleEvent, Partial<Record<InstanceStatus, InstanceStatus>>> = {
  begin: { TERMINATED: "PROVISIONING" },
  stage: { PROVISIONING: "STAGING" },
  started: { STAGING: "RUNNING" },
  stop: { PROVISIONING: "STOPPING", STAGING: "STOPPING", RUNNING: "STOPPING" },
  stopped: { STOPPING: "TERMINATED" },
  // A machine may power itself off before its start was noticed, and while it is being stopped.
  exited: { STAGING: "TERMINATED", RUNNING: "TERMINATED" },
};

/** The instance after the event; unchanged where the event means nothing in its status. */
export function transition(instance: Instance, event: LifecycleEvent, now: string): Instance {
  const status = transitions[event][instance.status];
  if (status === undefined) {
    return instance;
  }
  const times =
    status === "RUNNING" ? { lastStartTimestamp: now } : status === "TERMINATED" ? { lastStopTimestamp: now } : {};
  return { ...instance, status, ...times };
}

/** Whether a machine belongs to the instance that runs, or is about to. */
export function wantsMachine({ status }: Instance): boolean {
  return status === "PROVISIONING" || status === "STAGING" || status === "RUNNING";
}
