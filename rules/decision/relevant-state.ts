/** The part of a project's and a VM's own metadata that is relevant to the VM: its watcher requests an update when this part changes. */
import { approvedRevision, readApprovals, type Approval } from "../rollout/approval";
import { controlKey } from "../contract";
import { holdsOn, overrideOf, parseControl, type Hold } from "../rollout/control-item";
import { own } from "../text/json";
import type { ReadInstance } from "../instance-metadata";
import type { Metadata } from "../metadata";
import { same } from "../report";

export interface RelevantState {
  wave: string | null;
  approval: Approval | null;
  /** Absent if the control item can be read. */
  control?: "not readable";
  holds?: Hold[];
  pin?: string | null;
  /** What overrides the approval. */
  override?: string | null;
  retry?: string[];
  /** What the VM's own item says of what it runs; absent in what older agents remember. */
  item?: Pick<ReadInstance, (typeof itemFields)[number]>;
}

const itemFields = ["homes", "host", "repository", "branch", "subdirectory"] as const;

/** Null for a VM that belongs to no fleet. */
export function relevantState(metadata: Extract<Metadata, { kind: "present" | "absent" }>): RelevantState | null {
  if (metadata.kind === "absent") return null;
  const { vm, instance, attributes } = metadata;
  const { fleet, stack, wave } = instance;
  const approvals = readApprovals(attributes, fleet, stack);
  const approval = own(approvals.approvals, wave) ?? null;
  const read = parseControl(own(attributes, controlKey(fleet, stack)));
  const item = Object.fromEntries(
    itemFields.flatMap((name) => (instance[name] === undefined ? [] : [[name, instance[name]]])),
  );
  // Includes the wave: a VM that changes its wave acts on the new wave's approval, even if the old wave had the same one.
  const about = { wave: wave ?? null, approval, item };
  if (!read.ok) return { ...about, control: "not readable" };
  const { value } = read;
  return {
    ...about,
    holds: holdsOn(value, { name: vm, wave: wave ?? null }, approvedRevision(approvals, wave)),
    pin: own(value.pins, vm) ?? null,
    override: wave === undefined || approval === null ? null : (overrideOf(value, wave, approval.revision) ?? null),
    retry: value.retry,
  };
}

/** What changed, in a few words for the journal; undefined if nothing did. */
export function changeOf(before: RelevantState | null, after: RelevantState | null): string | undefined {
  if (same(before, after)) return undefined;
  if (after === null) return "no fleet any more";
  if (after.approval !== null && !same(before?.approval, after.approval))
    return `approval of ${after.approval.revision.slice(0, 7)}`;
  if ((before?.wave ?? null) !== after.wave) return `wave ${after.wave ?? "none"}`;
  if (before === null || !same({ ...before, item: after.item }, after)) return "control item";
  return before.item === undefined ? undefined : "this VM's own metadata";
}
