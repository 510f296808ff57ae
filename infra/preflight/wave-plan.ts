/**
 * What each wave's approval becomes at this run: what was resolved, or what it is already where a person holds the wave. Pure; what
 * stands in the project's metadata is handed in.
 */
import { approvalKey, controlKey, short, type Approval } from "../../rules/contract";
import { readApprovals } from "../../rules/approval";
import { parseControl, type Control } from "../../rules/control-item";

/** What the project's metadata says of the fleet before this run. */
export interface Standing {
  /** Wave → its approval's value, as it is written. */
  values: Record<string, string>;
  /** Wave → the approval, of those that can be read. */
  approvals: Record<string, Approval>;
  /** Undefined where the control item cannot be read: then nothing moves. */
  control: Control | undefined;
}

/** A wave that this run declares. */
export interface PlannedWave<W> {
  wave: W;
  approval: Approval;
  /** The approval item's value. */
  value: string;
  /** Whether the approval stays as it is, and the gate with it. */
  kept: boolean;
}

export interface Plan<W> {
  /** In order. A wave that has to stay as it is and has no approval yet is not among them. */
  waves: PlannedWave<W>[];
  /** What the operator should know, a line each. */
  warnings: string[];
  mistakes: string[];
}

type Hold = Control["holds"][number];

/** Reads the project's metadata; an item that is not readable is no approval. */
export function readStanding(metadata: Readonly<Record<string, string>>, fleet: string, stack: string): Standing {
  const prefix = approvalKey(fleet, stack, "");
  const control = controlKey(fleet, stack);
  const own = Object.entries(metadata).filter(([key]) => key.startsWith(prefix) && key !== control);
  const values = own.map(([key, value]) => [key.slice(prefix.length), value] as const);
  const read = parseControl(metadata[control]);
  return {
    values: Object.fromEntries(values),
    approvals: readApprovals(metadata, fleet, stack).approvals,
    control: read.ok ? read.value : undefined,
  };
}

/**
 * Plans a run. A wave that a person holds keeps its approval, and so do those after it: they are approved only for what the waves
 * before them have proven.
 */
export function planWaves<W extends { name: string }>(
  waves: readonly W[],
  wanted: (wave: W) => Approval,
  standing: Standing,
): Plan<W> {
  const warnings: string[] = [];
  const planned: PlannedWave<W>[] = [];
  let before: string | undefined;
  for (const wave of waves) {
    const approval = wanted(wave);
    const value = JSON.stringify(approval);
    const hold = holdOn(standing.control, wave.name);
    const present = standing.approvals[wave.name];
    const written = standing.values[wave.name];
    const why = hold === undefined ? before && `waits for wave ${before}` : holdText(hold);
    if (hold !== undefined) before ??= wave.name;
    if (why === undefined) {
      planned.push({ wave, approval, value, kept: false });
      warnings.push(...undoneText(standing.control, wave.name, approval.revision));
    } else {
      warnings.push(`wave ${wave.name} ${why}; it stays ${present ? `at ${short(present.revision)}` : "unapproved"}`);
      if (present && written !== undefined) planned.push({ wave, approval: present, value: written, kept: true });
    }
  }
  return { waves: planned, warnings, mistakes: removedMistakes(waves, wanted, standing) };
}

/** A hold is by a wave's name: it would be lost with the name. */
function removedMistakes<W extends { name: string }>(
  waves: readonly W[],
  wanted: (wave: W) => Approval,
  { control, approvals }: Standing,
): string[] {
  const targets = waves.map((wave) => wanted(wave).revision);
  const gone = Object.entries(approvals).filter(([name]) => !waves.some((wave) => wave.name === name));
  return gone.flatMap(([name, { revision }]) => {
    const hold = control?.holds.find(
      (one) =>
        one.scope === `wave:${name}` &&
        (one.revision === undefined || (one.revision === revision && targets.includes(revision))),
    );
    return hold === undefined
      ? []
      : [
          `waves: wave "${name}" ${holdText(hold)}; ./scripts/fleet resume --wave ${name} before it is renamed or removed`,
        ];
  });
}

/** A person's hold of a whole wave; a gate's is bound to a revision, and its VMs and its gate heed it. */
function holdOn(control: Control | undefined, wave: string): Hold | undefined {
  if (control === undefined)
    return { scope: "fleet", by: "itself", why: "the control item is not readable (./scripts/fleet status)", at: "" };
  return control.holds.find(
    ({ scope, revision }) => revision === undefined && (scope === "fleet" || scope === `wave:${wave}`),
  );
}

function undoneText(control: Control | undefined, wave: string, revision: string): string[] {
  const hold = control?.holds.find((one) => one.revision === revision && one.scope === `wave:${wave}`);
  const retry = `until something newer is approved, or ./scripts/fleet retry ${short(revision)}`;
  if (control?.instead[wave]?.[revision] !== undefined)
    return [`wave ${wave}: ${short(revision)} was undone; its VMs stay off it ${retry}`];
  return hold === undefined ? [] : [`wave ${wave} ${holdText(hold)}; it stays as it is ${retry}`];
}

function holdText({ by, why }: Hold): string {
  return `is held by ${line(by)}: ${line(why)}`;
}

/** Text that somebody typed, as part of a line. */
function line(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, " ").slice(0, 200);
}
