/**
 * The control item: holds, pins, undo and retries, which people and gates write and Pulumi never declares.
 * Here are the pure reading and editing of it, and the one way to write it.
 */
import { controlKey, controlSchema, type Control } from "../rules/contract";
import type { Compute } from "./google/compute";
import { FleetError } from "./errors";
import { oneLine } from "./text";

export type Hold = Control["holds"][number];

/** A control item in which nothing is held, pinned or undone. */
export const noControl: Control = { holds: [], pins: {}, instead: {}, retry: [] };

/** Reads the item's value; a value that is no control item is an error that says why. */
export function parseControl(value: string | undefined): Control {
  if (value === undefined) {
    return noControl;
  }
  const parsed = controlSchema.safeParse(parseJson(value));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new FleetError(
      oneLine(`the control item is not readable: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`, 300),
    );
  }
  return parsed.data;
}

/** The item's value; undefined (no item) where it would say nothing. */
export function serializeControl(control: Control): string | undefined {
  const empty =
    control.holds.length === 0 &&
    Object.keys(control.pins).length === 0 &&
    Object.keys(control.instead).length === 0 &&
    control.retry.length === 0;
  return empty ? undefined : JSON.stringify(control);
}

/** Whom a hold, a pin or an undo may concern. */
export interface Subject {
  name: string;
  wave: string | null;
}

/** Whether a hold is about this VM. */
export function covers(hold: Hold, vm: Subject): boolean {
  return (
    hold.scope === "fleet" || hold.scope === `vm:${vm.name}` || (vm.wave !== null && hold.scope === `wave:${vm.wave}`)
  );
}

/**
 * The hold that keeps a VM where it is; a person's (without revision) comes before a gate's.
 * `approved` is what the VM's wave is approved for: a gate's hold lapses when the approval moves on.
 */
export function holdOn(control: Control, vm: Subject, approved: string | undefined): Hold | undefined {
  const standing = control.holds.filter(
    (hold) => covers(hold, vm) && (hold.revision === undefined || hold.revision === approved),
  );
  return standing.find((hold) => hold.revision === undefined) ?? standing[0];
}

/**
 * The revision that a VM should run: its pin, what undid its wave's approval, or the approval. Undefined where nothing says so;
 * `previous` where the VM was told to go back to whatever it ran before.
 */
export function wantedBy(control: Control, vm: Subject, approved: string | undefined): string | undefined {
  const pin = control.pins[vm.name];
  if (pin !== undefined || vm.wave === null || approved === undefined) {
    return pin ?? approved;
  }
  return control.instead[vm.wave]?.[approved] ?? approved;
}

/** With this hold; one of the same scope and revision is replaced. */
export function withHold(control: Control, hold: Hold): Control {
  const others = control.holds.filter(({ scope, revision }) => scope !== hold.scope || revision !== hold.revision);
  return { ...control, holds: [...others, hold] };
}

/** Without any hold of these scopes. */
export function withoutHolds(control: Control, scopes: readonly string[]): Control {
  return { ...control, holds: control.holds.filter(({ scope }) => !scopes.includes(scope)) };
}

/** What a failed gate writes: while these waves are approved for the revision, they stay as they are, timers and all. */
export function withHalt(control: Control, waves: readonly string[], bad: string, told: Told): Control {
  const holds = waves.map((wave) => ({ scope: `wave:${wave}`, revision: bad, ...told }));
  return holds.reduce(withHold, withoutRetry(control, bad));
}

/** Who did something, why and when, as a hold tells it. */
export type Told = Pick<Hold, "by" | "why" | "at">;

/**
 * What undoes a revision: while these waves are approved for it, their VMs run another one, or `previous`, what each ran before.
 * A hold against it goes, since nothing that is held moves.
 */
export function withUndo(control: Control, waves: readonly string[], bad: string, good: string): Control {
  const undone = waves.map((wave) => [wave, { ...control.instead[wave], [bad]: good }] as const);
  const holds = control.holds.filter((hold) => hold.revision !== bad || !waves.some((wave) => isOn(hold, wave)));
  return withoutRetry({ ...control, holds, instead: { ...control.instead, ...Object.fromEntries(undone) } }, bad);
}

function isOn({ scope }: Hold, wave: string): boolean {
  return scope === "fleet" || scope === `wave:${wave}`;
}

/** With a VM pinned to a revision; undefined takes its pin away. */
export function withPin(control: Control, vm: string, revision: string | undefined): Control {
  const others = Object.entries(control.pins).filter(([name]) => name !== vm);
  const own = revision === undefined ? [] : [[vm, revision] as const];
  return { ...control, pins: Object.fromEntries([...others, ...own]) };
}

/** With a revision that VMs may try again: what a gate wrote against it (holds and undo) goes. */
export function withRetry(control: Control, revision: string): Control {
  const instead = Object.entries(control.instead).map(([wave, undone]) => {
    const rest = Object.entries(undone).filter(([bad]) => bad !== revision);
    return [wave, Object.fromEntries(rest)] as const;
  });
  return {
    ...control,
    holds: control.holds.filter((hold) => hold.revision !== revision),
    instead: Object.fromEntries(instead.filter(([, undone]) => Object.keys(undone).length > 0)),
    retry: control.retry.includes(revision) ? control.retry : [...control.retry, revision],
  };
}

/** Without this revision among those to try again, or without any. */
export function withoutRetry(control: Control, revision?: string): Control {
  return { ...control, retry: revision === undefined ? [] : control.retry.filter((one) => one !== revision) };
}

/** Without what lapsed: holds and undo of a gate, for waves whose approval has moved on. */
export function pruned(control: Control, approvals: Readonly<Record<string, string>>): Control {
  const current = Object.values(approvals);
  const instead = Object.entries(control.instead).map(([wave, undone]) => {
    const standing = Object.entries(undone).filter(([bad]) => bad === approvals[wave]);
    return [wave, Object.fromEntries(standing)] as const;
  });
  return {
    ...control,
    instead: Object.fromEntries(instead.filter(([, undone]) => Object.keys(undone).length > 0)),
    holds: control.holds.filter(({ scope, revision }) => {
      if (revision === undefined) {
        return true;
      }
      return scope.startsWith("wave:")
        ? approvals[scope.slice("wave:".length)] === revision
        : current.includes(revision);
    }),
  };
}

/** Changes the control item by compare-and-swap and returns what it says now. The edit may be called more than once. */
export async function changeControl(
  compute: Pick<Compute, "editProjectItem">,
  { fleet, stack }: { fleet: string; stack: string },
  edit: (control: Control) => Control,
): Promise<Control> {
  let result = noControl;
  await compute.editProjectItem(controlKey(fleet, stack), (value) => {
    result = edit(parseControl(value));
    return serializeControl(result);
  });
  return result;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
