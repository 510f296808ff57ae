/** The page's head and its lists: how the fleet is, what is held, and how old its lock is. Pure. */
import { short } from "../../../rules/contract";
import { scopeText } from "../../../rules/text/sentences";
import type { FleetStatus } from "../../status/status";
import type { PageDocument } from "../document";
import type { RolloutView } from "./rollout";
import { hasHomeTrouble } from "./tiles";
import { ago, revisionLabel } from "./text";
import { plural } from "../../../rules/text/text";

export type Verdict = "well" | "busy" | "attention";

interface Judgement {
  verdict: Verdict;
  title: string;
  details: string[];
}

/** How the fleet is, in one sentence, and what it goes by. What of the page could not be read says nothing about the fleet, and stands last. */
export function verdictOf(
  { status, problems }: Pick<PageDocument, "status" | "problems">,
  rollout: RolloutView | null,
): Judgement {
  const { details, ...judged } = judge(status, rollout);
  return { ...judged, details: [...details, ...problems] };
}

/** What a verdict goes by, on one line: the first of it, and how much more there is. */
export function detailsText(details: readonly string[]): string {
  const more = details.length - 4;
  return details.slice(0, 4).join(" · ") + (more > 0 ? ` · and ${more} more` : "");
}

function judge(status: FleetStatus, rollout: RolloutView | null): Judgement {
  const number = (...drifts: string[]) => status.vms.filter(({ drift }) => drifts.includes(drift)).length;
  const stopped =
    rollout?.waves.filter(({ state }) => ["failed", "held", "undone", "unproved", "interrupted"].includes(state)) ?? [];
  const homes = status.vms.filter(hasHomeTrouble).length;
  const bad = [
    ...(number("failed") > 0 ? [`${plural(number("failed"), "VM")} failed`] : []),
    ...(number("unknown") > 0 ? [`${plural(number("unknown"), "VM")} without a valid report`] : []),
    ...(homes > 0 ? [`a home needs attention on ${plural(homes, "VM")}`] : []),
    ...(rollout?.open === true && stopped.length > 0 ? [`the rollout of ${rollout.revision} does not go on`] : []),
    ...status.problems,
  ];
  if (bad.length > 0) return { verdict: "attention", title: "Needs attention", details: bad };
  const moving = number("behind", "waiting");
  const held = number("held");
  const busy = [
    ...(rollout?.open === true ? [`the rollout of ${rollout.revision} is open`] : []),
    ...(moving > 0 ? [`${plural(moving, "VM")} on the way`] : []),
    ...(held > 0 ? [`${plural(held, "VM")} held`] : []),
  ];
  if (busy.length > 0)
    return { verdict: "busy", title: rollout?.open === true ? "Rolling out" : "On the way", details: busy };
  if (status.vms.length === 0) return { verdict: "well", title: "No VMs", details: ["the fleet has no VM yet"] };
  const off = number("stopped");
  const all = off === 0 ? "every VM runs what it should" : `every running VM runs what it should; ${off} stopped`;
  return { verdict: "well", title: "All well", details: [all] };
}

interface HoldView {
  what: string;
  by: string;
  why: string;
  /** Empty if that is not known. */
  since: string;
}

/** Holds, pins and rollbacks that count now. */
export function holdViews({ control, approvals }: FleetStatus, now: number): HoldView[] {
  const current = Object.values(approvals);
  const holds = control.holds.filter(({ revision }) => revision === undefined || current.includes(revision));
  return [
    ...holds.map(({ scope, revision, by, why, at }) => ({
      what: `${scopeText(scope)} held${revision === undefined ? "" : ` against ${short(revision)}`}`,
      by,
      why,
      since: ago(at, now),
    })),
    ...Object.entries(control.pins).map(([vm, revision]) => ({
      what: `VM ${vm} pinned to ${revisionLabel(revision)}`,
      by: "",
      why: "runs this revision whatever is approved",
      since: "",
    })),
    ...Object.entries(control.instead).flatMap(([wave, pairs]) =>
      Object.entries(pairs)
        .filter(([bad]) => approvals[wave] === bad)
        .map(([bad, good]) => ({
          what: `wave ${wave} rolled back from ${revisionLabel(bad)}`,
          by: "",
          why: good === "previous" ? "runs what each VM ran before" : `runs ${revisionLabel(good)} instead`,
          since: "",
        })),
    ),
  ];
}

export interface LockView {
  input: string;
  source: string;
  revision: string;
  /** Whole days; null if the lock has no date. */
  days: number | null;
  /** From 0 to 1, of the oldest input's age or 30 days, whichever is more. */
  share: number;
}

/** The oldest input first. */
export function lockViews(lock: PageDocument["lock"], now: number): LockView[] {
  const aged = (lock?.inputs ?? []).map(({ at, input, source, revision }) => {
    const days = (now - Date.parse(at ?? "")) / 86_400_000;
    return {
      input,
      source,
      revision: revisionLabel(revision),
      days: Number.isNaN(days) ? null : Math.max(0, Math.floor(days)),
    };
  });
  const oldest = Math.max(30, ...aged.map(({ days }) => days ?? 0));
  return aged
    .map((one) => ({ ...one, share: (one.days ?? 0) / oldest }))
    .sort((a, b) => (b.days ?? -1) - (a.days ?? -1) || (a.input < b.input ? -1 : 1));
}
