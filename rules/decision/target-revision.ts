/** Chooses the revision that a VM's system should run, from all that its metadata says. */
import { short } from "../contract";
import { rolloutOpen, type Approval, type ReadApprovals } from "../rollout/approval";
import { overrideOf, type Control } from "../rollout/control-item";
import { deployedOf, type Target } from "./decision";
import type { AgentState } from "../agent-state";
import { isRevision, own } from "../text/json";
import type { Right } from "./run-right";

/** What the choice depends on. */
interface TargetInput {
  /** The VM's name; undefined on a machine without a metadata server. */
  vm: string | undefined;
  wave: string | undefined;
  follow: "branch" | "approved";
  repository: string | undefined;
  branch: string;
  subdirectory?: string | undefined;
  approvals: ReadApprovals;
  control: Control;
  state: AgentState;
  right: Right;
  /** The revision that a person on the VM named. */
  wanted?: string | undefined;
  head?: string | undefined;
  descends?: boolean | undefined;
}

/** The choice; `why` says in a few words where it comes from. */
export type Choice =
  | { kind: "target"; target: Target; why: string }
  /** There is no revision to go to; `unapproved` if the reason is that nothing is approved for this VM. */
  | { kind: "none"; why: string; unapproved?: true }
  /** This run may only go to an approved revision, and nothing is approved. */
  | { kind: "idle"; why: string }
  /** The approval is for a source that the VM's metadata do not name yet. */
  | { kind: "other source"; why: string }
  | { kind: "need head"; why: string }
  | { kind: "need descent"; revision: string; deployed: string; why: string };

/**
 * Chooses in this order: what a person named, a pin, what overrides the wave's approval, the approval, the branch's head. Only the approval
 * moves the VM while a rollout is open, if the VM follows approvals, and in a run that may not go to the head. An approval that the VM has
 * acted on before never moves it back from a descendant.
 */
export function chooseTarget(input: TargetInput): Choice {
  const { vm, wave, follow, approvals, control, state, right, wanted } = input;
  if (wanted !== undefined) return named(wanted, "person", `asked for ${short(wanted)}`);
  const pin = own(control.pins, vm);
  if (pin !== undefined) return named(pin, "pin", `pinned to ${short(pin)}`);
  if (wave === undefined) {
    if (follow === "approved") return unapproved("follows approvals, but belongs to no wave that could be approved");
    return right === "head" ? head(input) : idle("nothing is approved for a VM without a wave");
  }
  const approval = own(approvals.approvals, wave);
  if (approval === undefined) {
    const problem = own(approvals.problems, wave);
    return problem === undefined
      ? unapproved(`wave ${wave} is not approved for any revision`)
      : none(`the approval of wave ${wave} is not readable: ${problem}`);
  }
  const override = overrideOf(control, wave, approval.revision);
  if (override !== undefined) return overridden(approval, override, state);
  const other = otherSource(approval, input);
  if (other !== undefined) return { kind: "other source", why: other };
  const bound = follow === "approved" || right === "approved" || rolloutOpen(approvals);
  if (!bound && approval.revision === state.approved) return head(input);
  return unlessAhead(
    {
      revision: approval.revision,
      source: "approval",
      lock: approval.lock,
      ...(approval.manifest === undefined ? {} : { manifest: approval.manifest }),
      explicit: true,
      urgent: approval.urgent === true,
    },
    `wave ${wave} approved ${short(approval.revision)}`,
    input,
  );
}

/** A revision that a person named; it may be anywhere in the history. */
function named(revision: string, source: "person" | "pin" | "override", why: string): Choice {
  if (isRevision(revision) !== undefined) return none(`no revision to go to: ${why}`);
  return { kind: "target", target: { revision, source, explicit: true, urgent: false }, why };
}

function none(why: string): Choice {
  return { kind: "none", why };
}

function unapproved(why: string): Choice {
  return { kind: "none", why, unapproved: true };
}

function idle(why: string): Choice {
  return { kind: "idle", why };
}

function head({ branch, head: revision, approvals, wave }: TargetInput): Choice {
  if (revision === undefined) return { kind: "need head", why: `branch ${branch} is not known` };
  // If the head is also approved, it may be anywhere in the history, and is as urgent as its approval.
  const approval = own(approvals.approvals, wave);
  const explicit = approval?.revision === revision;
  const why = `branch ${branch} is at ${short(revision)}`;
  return {
    kind: "target",
    target: { revision, source: "branch", explicit, urgent: explicit && approval.urgent === true },
    why,
  };
}

/** What overrides an approval: another revision, or what the VM ran before, whatever that was. */
function overridden({ revision: bad }: Approval, good: string, state: AgentState): Choice {
  const undone = `${short(bad)} is undone`;
  if (good !== "previous") return named(good, "override", undone);
  const deployed = deployedOf(state);
  return deployed === bad
    ? named(state.previous ?? "", "override", `${undone}, back to the revision before`)
    : named(deployed ?? "", "override", undone);
}

/** How the source that an approval names differs from the VM's; undefined if they are the same or the approval names none. */
function otherSource(approval: Approval, { repository, branch, subdirectory }: TargetInput): string | undefined {
  if (approval.repository !== undefined && repository !== undefined && approval.repository !== repository)
    return `the approval is for ${approval.repository}, and this VM's metadata still says ${repository}`;
  if (approval.branch !== undefined && approval.branch !== branch)
    return `the approval is for branch ${approval.branch}, and this VM's metadata still says ${branch}`;
  const folders = [approval.subdirectory ?? "", subdirectory ?? ""];
  if (approval.repository !== undefined && folders[0] !== folders[1])
    return `the approval is for the flake in ${folderText(folders[0])}, and this VM's metadata still says ${folderText(folders[1])}`;
  return undefined;
}

const folderText = (folder: string | undefined) => (folder === "" ? "the repository's top" : (folder ?? ""));

/** An approval that is not new never moves a VM back from one of its descendants. */
function unlessAhead(target: Target, why: string, { state, descends }: TargetInput): Choice {
  const deployed = deployedOf(state);
  const { revision } = target;
  const isNew = state.approved !== revision;
  if (isNew || deployed === undefined || deployed === revision) return { kind: "target", target, why };
  if (descends === undefined) return { kind: "need descent", revision, deployed, why };
  if (!descends) return { kind: "target", target, why };
  return {
    kind: "target",
    target: { revision: deployed, source: "deployed", explicit: true, urgent: target.urgent },
    why: `${why}; ahead of it`,
  };
}
