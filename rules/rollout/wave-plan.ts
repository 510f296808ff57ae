/**
 * What each wave's approval becomes at this run: the resolved revision, or the current approval if a person holds the wave, or if an
 * earlier wave refused the revision. Pure; the caller passes in what the project's metadata say.
 */
import { readApprovals, type Approval } from "./approval";
import { approvalKey, controlKey, short } from "../contract";
import { holdOfWave, overrideOf, parseControl, type Control, type Hold } from "./control-item";
import { own } from "../text/json";
import { oneLine } from "../text/text";

/** What the project's metadata say of the fleet before this run. */
export interface CurrentApprovals {
  /** Wave → its approval's value, as it is written. */
  values: Record<string, string>;
  /** Wave → the approval, for those that can be read. */
  approvals: Record<string, Approval>;
  /** Undefined if the control item cannot be read: then nothing moves. */
  control: Control | undefined;
}

/** A wave that this run declares. */
export interface PlannedWave<W> {
  wave: W;
  approval: Approval;
  /** What it was approved for before this run, if that can be read. */
  former?: Approval | undefined;
  /** The approval item's value. */
  value: string;
  /** Whether the approval and its gate stay as they are. */
  kept: boolean;
}

export interface Plan<W> {
  /** In order. A wave that must stay as it is and has no approval yet is left out. */
  waves: PlannedWave<W>[];
  /** Warnings for the operator, a line each. */
  warnings: string[];
  mistakes: string[];
}

/** Reads the project's metadata; an item that cannot be read is not an approval. */
export function readCurrentApprovals(
  metadata: Readonly<Record<string, string>>,
  fleet: string,
  stack: string,
): CurrentApprovals {
  const prefix = approvalKey(fleet, stack, "");
  const key = controlKey(fleet, stack);
  const items = Object.entries(metadata).filter(([name]) => name.startsWith(prefix) && name !== key);
  const control = parseControl(own(metadata, key));
  return {
    values: Object.fromEntries(items.map(([name, value]) => [name.slice(prefix.length), value])),
    approvals: readApprovals(metadata, fleet, stack).approvals,
    control: control.ok ? control.value : undefined,
  };
}

/**
 * Plans a run. A wave that a person holds keeps its approval. The waves after it also keep theirs: they are approved only for what the
 * waves before them have proven. If a wave's revision was rolled back, or a gate holds it, the waves after it do not get that revision. Their
 * gates do not decide that: the gate that once passed the revision does not run again.
 */
export function planWaves<W extends { name: string }>(
  waves: readonly W[],
  desired: (wave: W) => Approval,
  current: CurrentApprovals,
): Plan<W> {
  const warnings: string[] = [];
  const mistakes: string[] = [];
  const planned: PlannedWave<W>[] = [];
  for (const [index, wave] of waves.entries()) {
    const approval = desired(wave);
    const present = own(current.approvals, wave.name);
    const written = own(current.values, wave.name);
    const earlier = waves.slice(0, index).map(({ name }) => name);
    const why = reasonToKeep({ wave, approval, former: present }, earlier, current.control);
    if (why === undefined) {
      planned.push({ wave, approval, former: present, value: JSON.stringify(approval), kept: false });
      warnings.push(...undoneText(current.control, wave.name, approval.revision));
    } else {
      warnings.push(`wave ${wave.name} ${why}; it stays ${present ? `at ${short(present.revision)}` : "unapproved"}`);
      // Left out, an approval that exists would be deleted, and its gate and the wave's undo with it.
      if (present === undefined && written !== undefined) mistakes.push(unreadableText(wave.name, why));
      if (present && written !== undefined)
        planned.push({ wave, approval: present, former: present, value: written, kept: true });
    }
  }
  return { waves: planned, warnings, mistakes: [...mistakes, ...removedMistakes(waves, desired, current)] };
}

/**
 * Why a wave keeps its approval, as words that follow its name; undefined if it may get the new one.
 * @param earlier the waves before it
 */
function reasonToKeep(
  { wave, approval: { revision }, former }: Pick<PlannedWave<{ name: string }>, "wave" | "approval" | "former">,
  earlier: readonly string[],
  control: Control | undefined,
): string | undefined {
  const hold = holdOf(control, wave.name);
  if (hold !== undefined) return holdText(hold);
  for (const name of earlier) {
    const before = holdOf(control, name);
    if (before !== undefined) return `waits for wave ${name}, which ${holdText(before)}`;
  }
  if (former?.revision === revision) return undefined;
  return earlier.map((name) => refusalText(control, name, revision)).find((text) => text !== undefined);
}

/**
 * Why a planned approval must not be written any more: since the plan was made, a person held the wave or one before it, or the revision was
 * undone or held in a wave before it. Undefined if it may be written. What is undone or held in the wave itself keeps its VMs off the
 * revision.
 * @param waves the names of all waves, in order
 * @param control as it is now; undefined if it cannot be read
 */
export function approvalRefusal(
  planned: PlannedWave<{ name: string }>,
  waves: readonly string[],
  control: Control | undefined,
): string | undefined {
  const { wave, approval, former, kept } = planned;
  if (kept) return undefined;
  const why = reasonToKeep(planned, waves.slice(0, waves.indexOf(wave.name)), control);
  const stays = former === undefined ? "unapproved" : `at ${short(former.revision)}`;
  return why && `wave ${wave.name} is not approved for ${short(approval.revision)}: it ${why}; it stays ${stays}`;
}

function unreadableText(wave: string, why: string): string {
  return (
    `waves: wave "${wave}" ${why}, and its approval is not readable, so that it can neither stay nor change; correct the item in ` +
    "the project's metadata, or end what keeps it (fleet status)"
  );
}

/** A wave that goes takes its approval and its holds with it, and the last one everything that the control item says. */
function removedMistakes<W extends { name: string }>(
  waves: readonly W[],
  desired: (wave: W) => Approval,
  { control, approvals, values }: CurrentApprovals,
): string[] {
  const targets = waves.map((wave) => desired(wave).revision);
  const gone = Object.keys(values).filter((name) => !waves.some((wave) => wave.name === name));
  return gone.flatMap((name) => {
    if (control === undefined)
      return [`waves: wave "${name}" cannot be renamed or removed: the control item is not readable (fleet status)`];
    const revision = own(approvals, name)?.revision;
    const isWanted = revision !== undefined && targets.includes(revision);
    const hold = holdOfWave(control, name) ?? (isWanted ? holdOfWave(control, name, revision) : undefined);
    if (hold === undefined && isWanted && overrideOf(control, name, revision) !== undefined)
      return [
        `waves: ${short(revision)} was rolled back in wave "${name}"; push something newer, or fleet retry ${short(revision)}, before it is renamed or removed`,
      ];
    if (hold === undefined) return [];
    const resume = hold.scope === `wave:${name}` ? `fleet resume --wave ${name}` : "fleet resume";
    return [`waves: wave "${name}" ${holdText(hold)}; ${resume} before it is renamed or removed`];
  });
}

/** A person's hold of a whole wave. A gate's hold is bound to a revision, and its VMs and its gate respect it. */
function holdOf(control: Control | undefined, wave: string): Hold | undefined {
  if (control === undefined)
    return {
      scope: "fleet",
      by: "the control item",
      why: "it is not readable; correct it, or replace it with fleet resume --all",
      at: "",
    };
  return holdOfWave(control, wave);
}

/** Why the waves after this one do not get a revision; undefined if nothing stops it here. */
function refusalText(control: Control | undefined, wave: string, revision: string): string | undefined {
  if (control === undefined) return undefined;
  const what =
    overrideOf(control, wave, revision) !== undefined
      ? "was rolled back"
      : holdOfWave(control, wave, revision) && "is held by a gate";
  return (
    what && `does not get ${short(revision)}, which ${what} in wave ${wave} (until fleet retry ${short(revision)})`
  );
}

function undoneText(control: Control | undefined, wave: string, revision: string): string[] {
  const hold = control && holdOfWave(control, wave, revision);
  const retry = `until something newer is approved, or fleet retry ${short(revision)}`;
  if (control !== undefined && overrideOf(control, wave, revision) !== undefined)
    return [
      `wave ${wave}: ${short(revision)} was rolled back; its gate fails at once, and its VMs stay off it, ${retry}`,
    ];
  return hold === undefined
    ? []
    : [`wave ${wave} ${holdText(hold)}; its gate fails at once, and its VMs stay as they are, ${retry}`];
}

function holdText({ by, why }: Hold): string {
  return `is held by ${oneLine(by, 200)}: ${oneLine(why, 200)}`;
}
