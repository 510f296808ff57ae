/**
 * The control item: holds, pins, undo and retries, which people and gates write and Pulumi never declares. This file reads and edits it.
 * All of it is pure.
 */
import {
  isRevision,
  isString,
  listOf,
  objectOf,
  own,
  objectsIn,
  parseShape,
  recordOf,
  unknownFields,
  withoutNulls,
  type Check,
  type Parsed,
  type Shape,
} from "../text/json";

/** A hold: what it applies to, who holds, why, and since when. */
export interface Hold {
  /** `fleet`, `wave:NAME` or `vm:NAME`. A scope that this version does not know holds every VM: that is safer than moving a held VM. */
  scope: string;
  /** A gate's hold has a revision; it expires when the approval moves on. */
  revision?: string;
  by: string;
  why: string;
  /** RFC 3339, UTC. */
  at: string;
}

/** The item's value. Fields of newer versions are kept, so that an older tool's edit does not lose them. */
export interface Control {
  holds: Hold[];
  /** VM → the revision that it runs whatever is approved. */
  pins: Record<string, string>;
  /** wave → bad revision → good revision, or `previous`: what each VM ran before. Old agents read this word; the code says `overrides`. */
  instead: Record<string, Record<string, string>>;
  /** Revisions that VMs may try again although they failed. */
  retry: string[];
}

/** Who did something, why and when, in the form of a hold. */
type Actor = Pick<Hold, "by" | "why" | "at">;

/** A control item in which nothing is held, pinned or undone. */
export const noControl: Control = { holds: [], pins: {}, instead: {}, retry: [] };

const isGood: Check = (value) =>
  value === "previous" || isRevision(value) === undefined ? undefined : "must be a full git revision or `previous`";

const holdShape: Shape = {
  scope: isString,
  "revision?": isRevision,
  "by?": isString,
  "why?": isString,
  "at?": isString,
};

const shape: Shape = {
  "holds?": listOf(objectOf(holdShape)),
  "pins?": recordOf(isRevision),
  "instead?": recordOf(recordOf(isGood)),
  "retry?": listOf(isRevision),
};

/**
 * Reads the item; undefined is a missing item. Anything that cannot be understood makes the whole item unreadable, and a VM then behaves as
 * if it were held. Fields that are only new do not.
 */
export function parseControl(text: string | undefined): Parsed<Control> {
  if (text === undefined) return { ok: true, value: noControl, unknown: [] };
  const read = parseShape(text, shape);
  if (!read.ok) return read;
  const written = objectsIn(read.value["holds"]);
  const value = {
    ...noControl,
    ...read.value,
    holds: written.map((hold) => ({ by: "someone", why: "", at: "", ...withoutNulls(hold) })),
  } as unknown as Control;
  const unknown = [
    ...read.unknown,
    ...written.flatMap((hold, index) => unknownFields(hold, holdShape, `holds[${index}].`)),
    ...value.holds.flatMap(({ scope }, index) => (isKnownScope(scope) ? [] : [`holds[${index}].scope ${scope}`])),
  ];
  return { ok: true, value, unknown };
}

function isKnownScope(scope: string): boolean {
  return /^(fleet|(wave|vm):.+)$/.test(scope);
}

/** The item's value; undefined (no item) if it would say nothing. An unknown field counts as saying something. */
export function serializeControl(control: Control): string | undefined {
  const { holds, pins, instead, retry, ...others } = control;
  const empty = [holds, pins, instead, retry, others].every((part) => Object.keys(part).length === 0);
  return empty ? undefined : JSON.stringify(control);
}

/** What a hold, a pin or an undo may apply to: a VM and its wave. */
interface Subject {
  name: string;
  wave: string | null;
}

/** Whether a hold applies to this VM. */
function covers({ scope }: Hold, vm: Subject): boolean {
  return (
    scope === "fleet" ||
    scope === `vm:${vm.name}` ||
    (vm.wave !== null && scope === `wave:${vm.wave}`) ||
    !isKnownScope(scope)
  );
}

/** The hold of a whole wave against a revision. Without a revision: a person's hold, which applies whatever is approved. */
export function holdOfWave({ holds }: Control, wave: string, revision?: string): Hold | undefined {
  return holds.find((hold) => hold.revision === revision && covers(hold, { name: "", wave }));
}

/**
 * The holds that keep a VM where it is. `approved` is what the VM's wave is approved for: a gate's hold expires when the approval moves on.
 * It is null if the approval cannot be read, and then a gate's hold counts, since it may be against that revision.
 */
export function holdsOn(control: Control, vm: Subject, approved: string | null | undefined): Hold[] {
  return control.holds.filter(
    (hold) => covers(hold, vm) && (hold.revision === undefined || approved === null || hold.revision === approved),
  );
}

/** The hold to name if there are several: a person's (without revision) comes before a gate's. */
export function holdOn(control: Control, vm: Subject, approved: string | undefined): Hold | undefined {
  const holds = holdsOn(control, vm, approved);
  return holds.find((hold) => hold.revision === undefined) ?? holds[0];
}

/**
 * The revision that a VM should run: its pin, the override of its wave's approval, or the approval. Undefined if there is none of these.
 * `previous` if the VM goes back to what it ran before.
 */
export function wantedBy(control: Control, vm: Subject, approved: string | undefined): string | undefined {
  const pin = own(control.pins, vm.name);
  if (pin !== undefined || vm.wave === null || approved === undefined) return pin ?? approved;
  return overrideOf(control, vm.wave, approved) ?? approved;
}

/** What a wave's VMs run instead of a revision: another one, or `previous`. */
export function overrideOf(control: Control, wave: string, revision: string): string | undefined {
  return own(own(control.instead, wave), revision);
}

/** Adds this hold; it replaces the same person's hold of the scope, or a gate's of the same scope and revision. */
export function withHold(control: Control, hold: Hold): Control {
  const others = control.holds.filter(
    ({ scope, revision, by }) =>
      scope !== hold.scope || revision !== hold.revision || (revision === undefined && by !== hold.by),
  );
  return { ...control, holds: [...others, hold] };
}

/** The holds of a scope that persons other than this one put there. */
export function othersHolds({ holds }: Control, scope: string, by: string): Hold[] {
  return holds.filter((hold) => hold.scope === scope && hold.revision === undefined && hold.by !== by);
}

/** The holds that a person's resume of a scope ends: the person's own, those of the people who are named, and gates'. */
export function endedBy({ holds }: Control, scope: string, by: string, named: readonly string[]): Hold[] {
  return holds.filter(
    (hold) => hold.scope === scope && (hold.revision !== undefined || hold.by === by || named.includes(hold.by)),
  );
}

/** Removes every hold of these scopes. */
export function withoutHolds(control: Control, scopes: readonly string[]): Control {
  return { ...control, holds: control.holds.filter(({ scope }) => !scopes.includes(scope)) };
}

/** Removes what gates wrote about a wave that no longer exists: holds against a revision, and overrides. A person's hold stays. */
export function withoutWave(control: Control, wave: string): Control {
  const { [wave]: _, ...instead } = control.instead;
  const holds = control.holds.filter(({ scope, revision }) => scope !== `wave:${wave}` || revision === undefined);
  return { ...control, holds, instead };
}

/** Removes the pin and the holds of a VM that leaves the fleet. */
export function withoutVm(control: Control, vm: string): Control {
  return withoutHolds(withPin(control, vm, undefined), [`vm:${vm}`]);
}

/** What a failed gate writes: while these waves are approved for the revision, their VMs stay as they are, even if a timer starts a run. */
export function withHalt(control: Control, waves: readonly string[], bad: string, actor: Actor): Control {
  const holds = waves.map((wave) => ({ scope: `wave:${wave}`, revision: bad, ...actor }));
  return holds.reduce(withHold, withoutRetry(control, bad));
}

/**
 * Undoes a revision: while these waves are approved for it, their VMs run another one, or `previous`, what each ran before. A hold against
 * the revision is removed, since a held VM does not move.
 */
export function withUndo(control: Control, waves: readonly string[], bad: string, good: string): Control {
  const undone = waves.map((wave) => [wave, { ...own(control.instead, wave), [bad]: good }] as const);
  const holds = control.holds.filter((hold) => hold.revision !== bad || !waves.some((wave) => isOn(hold, wave)));
  return withoutRetry({ ...control, holds, instead: { ...control.instead, ...Object.fromEntries(undone) } }, bad);
}

function isOn({ scope }: Hold, wave: string): boolean {
  return scope === "fleet" || scope === `wave:${wave}`;
}

/** Pins a VM to a revision; undefined removes its pin. */
export function withPin(control: Control, vm: string, revision: string | undefined): Control {
  const others = Object.entries(control.pins).filter(([name]) => name !== vm);
  const added = revision === undefined ? [] : [[vm, revision] as const];
  return { ...control, pins: Object.fromEntries([...others, ...added]) };
}

/** Lets VMs try a revision again: what a gate wrote against it (holds and undo) is removed. */
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

/** Removes this revision from those to try again, or removes all of them. */
export function withoutRetry(control: Control, revision?: string): Control {
  return { ...control, retry: revision === undefined ? [] : control.retry.filter((one) => one !== revision) };
}

/**
 * Removes what expired: a gate's holds and undo for waves whose approval has moved on.
 * @param approvals wave → revision; null if the approval cannot be read, and then it may be for any revision
 */
export function pruned(control: Control, approvals: Readonly<Record<string, string | null>>): Control {
  const isApproved = (revision: string, wave: string) => {
    const approved = own(approvals, wave);
    return approved === null || approved === revision;
  };
  const instead = Object.entries(control.instead).map(([wave, undone]) => {
    const applicable = Object.entries(undone).filter(([bad]) => isApproved(bad, wave));
    return [wave, Object.fromEntries(applicable)] as const;
  });
  return {
    ...control,
    instead: Object.fromEntries(instead.filter(([, undone]) => Object.keys(undone).length > 0)),
    holds: control.holds.filter(({ scope, revision }) => {
      if (revision === undefined) return true;
      const waves = scope.startsWith("wave:") ? [scope.slice("wave:".length)] : Object.keys(approvals);
      return waves.some((wave) => isApproved(revision, wave));
    }),
  };
}
