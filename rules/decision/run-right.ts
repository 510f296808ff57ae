/** Who started a run, and which revisions that lets the run go to. */

/** What started a run: the VM's timer after boot, its schedule, a person on the VM, the watcher, SSH, or a try again. */
export type Trigger = "boot" | "schedule" | "manual" | "watch" | "ssh" | "retry";

/**
 * Where a run may go. `head`: also to the branch's head. `approved`: only to what the wave's approval, a pin or an override names. With
 * `approved`, no edit of the control item sends a running VM to an unapproved revision.
 */
export type Right = "head" | "approved";

const rights: Readonly<Record<Exclude<Trigger, "retry">, Right>> = {
  boot: "head",
  schedule: "head",
  manual: "head",
  watch: "approved",
  ssh: "approved",
};

/** What a trigger lets a run do. A retry has the right of the run that it repeats. */
export function rightOf(trigger: Trigger, repeated: Right = "approved"): Right {
  return trigger === "retry" ? repeated : rights[trigger];
}

/** Who asks for a run, and what that lets the run do. */
export interface Requester {
  trigger: Trigger;
  /** Empty if that is not known. */
  by: string;
  right: Right;
  /** Whether a person on the machine asks. */
  person: boolean;
}

export function requester(trigger: Trigger, by = "", repeated?: Right): Requester {
  return { trigger, by, right: rightOf(trigger, repeated), person: trigger === "manual" };
}

/** What a run may do that serves all of these. One without requesters may do the least. @param unnamed stands for requesters without a name */
export function together(all: readonly Requester[], unnamed = "unknown"): Requester {
  const names = new Set(all.map(({ by }) => by).filter((by) => by !== ""));
  return {
    trigger: all[0]?.trigger ?? "watch",
    by: [...names].join(", ") || unnamed,
    right: all.some(({ right }) => right === "head") ? "head" : "approved",
    person: all.some(({ person }) => person),
  };
}
