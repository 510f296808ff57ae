/** Order and meaning of the states that the page shows. */
import type { Drift } from "../../../rules/contract";

/** What needs a person comes first. */
export const driftOrder: readonly Drift[] = [
  "failed",
  "unknown",
  "behind",
  "held",
  "waiting",
  "ahead",
  "none",
  "stopped",
];

/** What each means, in one line. */
export const driftMeaning: Record<Drift, string> = {
  failed: "its last update failed",
  unknown: "has not reported, or its report is not valid",
  behind: "does not run the desired revision yet",
  held: "is held where it is",
  waiting: "is starting, or waits for its wave's approval",
  ahead: "follows the branch past the approval",
  none: "runs the desired revision",
  stopped: "is switched off; it catches up when it boots",
};

/** The groups in which VMs are listed. */
export const groups: readonly { name: string; drifts: readonly Drift[] }[] = [
  { name: "Needs attention", drifts: ["failed", "unknown"] },
  { name: "Not there yet", drifts: ["behind", "held", "waiting", "ahead"] },
  { name: "Current", drifts: ["none"] },
  { name: "Stopped", drifts: ["stopped"] },
];
