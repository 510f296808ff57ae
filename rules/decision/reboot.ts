/** When a VM reboots by itself. */
import type { Waiting } from "../report";
import type { WindowState } from "./window";

export interface RebootInput {
  /** Whether what is deployed needs a reboot. */
  required: boolean;
  /** What keeps the VM as it is, such as a person's hold; undefined if nothing does. */
  held?: string | undefined;
  /** `allowReboot`. */
  allowed: boolean;
  /** Whether the VM's wave counts a revision as proved only after a reboot (`reboot: required`). */
  byWave: boolean;
  /** Whether this is the first system that the VM deploys: no user works on it yet. */
  firstDeployment: boolean;
  /** The VM's update window, and its window for reboots only. */
  windows: readonly WindowState[];
  users: readonly string[];
  /** `rebootWithUsers`. */
  withUsers: boolean;
  /** Since when a reboot is required. */
  since: Date;
  /** How long a reboot waits for users, in milliseconds; undefined means without limit. */
  deadline?: number | undefined;
  now: Date;
}

export type RebootDecision =
  | { action: "none" }
  /** `minutes`: the notice that users get; `waiting`: users have this long. */
  | { action: "reboot"; minutes: number; why: string; waiting?: Waiting }
  /** Without `waiting`, it waits for what keeps the VM, which its outcome names. */
  | { action: "wait"; waiting?: Waiting; why: string };

/** The notice that logged-in users get after the deadline. */
const NOTICE = 15;

export function rebootDecision(input: RebootInput): RebootDecision {
  const { required, held, allowed, byWave, firstDeployment, windows, users, withUsers, since, deadline, now } = input;
  if (!required) return { action: "none" };
  if (held !== undefined) return { action: "wait", why: `a reboot is required; ${held}` };
  if (!allowed && !byWave && !firstDeployment)
    return { action: "wait", waiting: { for: "reboot" }, why: "a reboot is required, and allowReboot is off" };
  const closed = windows.filter((window) => !window.open);
  if (closed.length > 0 && !firstDeployment) {
    const times = closed.flatMap(({ until }) => (until === undefined ? [] : [until.getTime()]));
    const until = times.length === closed.length ? { until: new Date(Math.max(...times)).toISOString() } : {};
    const unreadable = closed.flatMap((window) => window.unreadable ?? []);
    const why = ["a reboot is required; waiting for the window", ...unreadable].join(": ");
    return { action: "wait", waiting: { for: "window", ...until }, why };
  }
  if (users.length === 0 || withUsers) return { action: "reboot", minutes: 1, why: "what was deployed needs it" };
  const last = deadline === undefined ? undefined : since.getTime() + deadline;
  if (last !== undefined && now.getTime() >= last) {
    const end = new Date(now.getTime() + NOTICE * 60_000).toISOString();
    const why = `what was deployed has needed it since ${since.toISOString()}`;
    return { action: "reboot", minutes: NOTICE, why, waiting: { for: "users", until: end } };
  }
  const until = last === undefined ? {} : { until: new Date(last).toISOString() };
  const why = `a reboot is required; waiting until no one is logged in (now: ${users.join(" ")})`;
  return { action: "wait", waiting: { for: "users", ...until }, why };
}
