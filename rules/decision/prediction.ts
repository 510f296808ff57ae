/**
 * Predicts what a VM does next by itself, and why. It uses what is known outside the VM, and the same functions that decide on the VM. The
 * last report shows what only the VM knows (its own hold, a window, a person's request).
 */
import { stateFromReport, type AgentState } from "../agent-state";
import { short } from "../contract";
import { decideSystem, type SystemDecision } from "./decide-system";
import { metadataOf } from "../metadata";
import type { FleetItemsReader } from "../rollout/fleet-items";
import type { Report } from "../report";
import type { Right } from "./run-right";
import { failureText, waitsFor } from "../text/sentences";
import { oneLine } from "../text/text";

export interface KnownOfVm {
  name: string;
  /** Compute's name for its status, such as RUNNING. */
  state: string;
  /** The text of its own metadata item; undefined if it has none. */
  item: string | undefined;
  /** The project's metadata; only the fleet's items count. */
  projectMetadata: Readonly<Record<string, string>>;
  /** Reads the fleet's items of the project's metadata; for a caller that predicts for many VMs. */
  items?: FleetItemsReader;
  /** Its last report; null if it has no valid one. */
  report: Report | null;
  /** The head of the branch that it follows, if known. */
  head?: string | undefined;
  /** How many commits that head is ahead of what the VM runs, if known. */
  ahead?: number | undefined;
  /** Whether what it runs descends from the approved revision, if known. */
  descends?: boolean | undefined;
}

export interface Prediction {
  /** `stay`: nothing changes by itself; `update`: it goes to `revision`; `retry`: it does so after a transient failure. */
  next: "stay" | "update" | "retry" | "wait" | "refuse" | "held";
  /** `now`: the update runs, or is about to start. */
  when: "now" | "boot" | null;
  /** Where it goes, or would go. */
  revision: string | null;
  /** The whole prediction in one line. */
  text: string;
  /** Where its next boot takes it as well, in one line; null if nowhere. The revision is null if the head is not known. */
  atBoot: { revision: string | null; text: string } | null;
}

/** Predicts. Nothing here throws, whatever VMs and metadata say. */
export function predict(known: KnownOfVm): Prediction {
  const atBoot = decideFor(known, "head");
  if (known.state !== "RUNNING") {
    const next = ["PROVISIONING", "STAGING"].includes(known.state) ? "when it is up" : "at its next boot";
    const said = fromDecision(atBoot, known);
    return {
      ...said,
      when: said.next === "update" ? "boot" : null,
      text: oneLine(`${next}: ${said.text}`),
      atBoot: null,
    };
  }
  const said = fromDecision(decideFor(known, "approved"), known);
  return {
    ...said,
    when: said.next === "update" || said.next === "retry" ? "now" : null,
    atBoot: afterBoot(atBoot, said, known),
  };
}

function decideFor(known: KnownOfVm, right: Right): SystemDecision {
  const { name, item, projectMetadata, items, report, head, descends } = known;
  return decideSystem({
    metadata: metadataOf(name, item, projectMetadata),
    ...(items === undefined ? {} : { items }),
    joined: true,
    hostname: name,
    settings: {},
    state: report === null ? {} : stateOf(report),
    localHold: null,
    right,
    force: false,
    drifted: false,
    head,
    descends: descends ?? (report === null ? undefined : isPast(report)),
  });
}

/** Whether what runs is newer than what is approved, as far as the report shows: `unchanged` under an approval that it does not run. */
function isPast({ outcome }: Report): boolean | undefined {
  return outcome === "unchanged" ? true : outcome === "updated" ? undefined : false;
}

/** What the VM remembers, as far as its report shows: of the refusals only the last. */
function stateOf(report: Report): AgentState {
  const { approved, stage, error = "", rolledBack, at, outcome, transient } = report;
  const refuses = outcome === "failed" && transient !== true && approved !== undefined && approved !== report.revision;
  return {
    ...stateFromReport(report),
    ...(refuses
      ? { refused: [{ revision: approved, error, rolledBack, at, ...(stage === undefined ? {} : { stage }) }] }
      : {}),
  };
}

type Said = Omit<Prediction, "when" | "atBoot">;

function fromDecision(decision: SystemDecision, { report, head }: KnownOfVm): Said {
  const revision = decision.target?.revision ?? null;
  const { reason } = decision;
  if (decision.need?.kind === "head") {
    return { next: "update", revision: null, text: `goes to the head of ${decision.need.branch}` };
  }
  if (decision.need?.kind === "descent") {
    const { revision: to } = decision.need;
    return { next: "update", revision: to, text: `goes to ${short(to)}, unless what it runs came after that` };
  }
  if (decision.outcome === "held") return { next: "held", revision, text: oneLine(`stays: ${reason}`) };
  if (decision.outcome === "failed") {
    return { next: "refuse", revision, text: oneLine(`${reason}; a newer approval or fleet retry changes that`) };
  }
  if (decision.action === "update" && revision !== null) return { revision, ...updating(reason, revision, report) };
  if (decision.outcome === "unchanged") {
    return { next: "stay", revision: null, text: oneLine(head === undefined ? `stays: ${reason}` : reason) };
  }
  return { next: "wait", revision: null, text: oneLine(`stays: ${reason}`) };
}

/** On the way to a revision, as the last report shows it. */
function updating(reason: string, revision: string, report: Report | null): Pick<Said, "next" | "text"> {
  const about = report?.approved === revision ? report : null;
  if (report?.progress !== undefined) {
    return {
      next: "update",
      text: oneLine(`is at the stage ${report.progress.stage} of ${short(revision)}: ${reason}`),
    };
  }
  if (about?.waiting !== undefined) {
    const until = about.waiting.until === undefined ? "" : ` until ${about.waiting.until}`;
    return {
      next: "wait",
      text: oneLine(`goes to ${short(revision)}, and ${waitsFor(about.waiting.for)}${until}`),
    };
  }
  if (about?.outcome === "held") return { next: "held", text: "stays: held on the VM itself" };
  if (about?.outcome === "deferred") return { next: "wait", text: oneLine(`waits: ${about.error ?? reason}`) };
  if (about?.failing !== undefined)
    return {
      next: "wait",
      text: oneLine(`tries ${short(revision)} again at boot or once a day: ${failureText(about)}`),
    };
  if (about?.outcome === "failed")
    return { next: "retry", text: oneLine(`tries ${short(revision)} again: ${failureText(about)}`) };
  return { next: "update", text: oneLine(`updates to ${short(revision)}: ${reason}`) };
}

/** What a boot changes for a running VM: the VM may then go to the branch's head, which the watcher may not. */
function afterBoot(atBoot: SystemDecision, now: Said, { ahead }: KnownOfVm): Prediction["atBoot"] {
  if (now.next === "held") return null;
  if (atBoot.need?.kind === "head")
    return { revision: null, text: oneLine(`goes to the head of ${atBoot.need.branch} at its next boot`) };
  const { target, reason } = atBoot;
  if (atBoot.action !== "update" || target === undefined || target.revision === now.revision) return null;
  const { revision } = target;
  const text =
    target.source === "branch" && ahead !== undefined && ahead > 0
      ? `branch is ${ahead} ahead; goes there at the next boot`
      : `goes to ${short(revision)} at its next boot: ${reason}`;
  return { revision, text: oneLine(text) };
}
