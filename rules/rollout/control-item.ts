/**
 * The control item: holds, pins, undo and retries, which people and gates write and Pulumi never declares. Here are the reading and
 * the editing of it, both pure.
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

/** A hold: who it is on, who holds, why, and since when. */
export interface Hold {
  /** `fleet`, `wave:NAME` or `vm:NAME`. One that this version does not know holds every VM: better that than to move a held one. */
  scope: string;
  /** A hold with a revision is a gate's; it lapses when the approval moves on. */
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
  /** wave → bad revision → good revision, or `previous`: what each VM ran before. (`overrides`, by the word that old agents read.) */
  instead: Record<string, Record<string, string>>;
  /** Revisions that VMs may try again although they failed. */
  retry: string[];
}

/** Who did something, why and when, as a hold says it. */
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
 * Reads the item; undefined is an item that is not there. Whatever cannot be understood makes all of it unreadable, and a VM then
 * stays as if it were held; fields that are merely new do not.
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

/** The item's value; undefined (no item) where it would say nothing. A field that is not known may say something. */
export function serializeControl(control: Control): string | undefined {
  const { holds, pins, instead, retry, ...others } = control;
  const empty = [holds, pins, instead, retry, others].every((part) => Object.keys(part).length === 0);
  return empty ? undefined : JSON.stringify(control);
}

/** Whom a hold, a pin or an undo may concern. */
interface Subject {
  name: string;
  wave: string | null;
}

/** Whether a hold is about this VM. */
function covers({ scope }: Hold, vm: Subject): boolean {
  return (
    scope === "fleet" ||
    scope === `vm:${vm.name}` ||
    (vm.wave !== null && scope === `wave:${vm.wave}`) ||
    !isKnownScope(scope)
  );
}

/** The hold of a wave as a whole against a revision, or where none is given, the one whatever is approved: a person's. */
export function holdOfWave({ holds }: Control, wave: string, revision?: string): Hold | undefined {
  return holds.find((hold) => hold.revision === revision && covers(hold, { name: "", wave }));
}

/**
 * The holds that keep a VM where it is; `approved` is what the VM's wave is approved for: a gate's hold lapses when the approval
 * moves on. Null where the approval cannot be read: it may be the very one that is held.
 */
export function holdsOn(control: Control, vm: Subject, approved: string | null | undefined): Hold[] {
  return control.holds.filter(
    (hold) => covers(hold, vm) && (hold.revision === undefined || approved === null || hold.revision === approved),
  );
}

/** The hold that is named where there are several: a person's (without revision) comes before a gate's. */
export function holdOn(control: Control, vm: Subject, approved: string | undefined): Hold | undefined {
  const holds = holdsOn(control, vm, approved);
  return holds.find((hold) => hold.revision === undefined) ?? holds[0];
}

/**
 * The revision that a VM should run: its pin, what undid its wave's approval, or the approval. Undefined where nothing says so;
 * `previous` where the VM goes back to what it ran before.
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

/** With this hold; one of the same scope and revision is replaced. */
export function withHold(control: Control, hold: Hold): Control {
  const others = control.holds.filter(({ scope, revision }) => scope !== hold.scope || revision !== hold.revision);
  return { ...control, holds: [...others, hold] };
}

/** Without any hold of these scopes. */
export function withoutHolds(control: Control, scopes: readonly string[]): Control {
  return { ...control, holds: control.holds.filter(({ scope }) => !scopes.includes(scope)) };
}

/** Without the holds and overrides of a wave that is gone. */
export function withoutWave(control: Control, wave: string): Control {
  const { [wave]: _, ...instead } = control.instead;
  return { ...withoutHolds(control, [`wave:${wave}`]), instead };
}

/** Without the pin and the holds of a VM that leaves the fleet. */
export function withoutVm(control: Control, vm: string): Control {
  return withoutHolds(withPin(control, vm, undefined), [`vm:${vm}`]);
}

/** What a failed gate writes: while these waves are approved for the revision, they stay as they are, timers and all. */
export function withHalt(control: Control, waves: readonly string[], bad: string, actor: Actor): Control {
  const holds = waves.map((wave) => ({ scope: `wave:${wave}`, revision: bad, ...actor }));
  return holds.reduce(withHold, withoutRetry(control, bad));
}

/**
 * What undoes a revision: while these waves are approved for it, their VMs run another one, or `previous`, what each ran before.
 * A hold against it goes, since nothing that is held moves.
 */
export function withUndo(control: Control, waves: readonly string[], bad: string, good: string): Control {
  const undone = waves.map((wave) => [wave, { ...own(control.instead, wave), [bad]: good }] as const);
  const holds = control.holds.filter((hold) => hold.revision !== bad || !waves.some((wave) => isOn(hold, wave)));
  return withoutRetry({ ...control, holds, instead: { ...control.instead, ...Object.fromEntries(undone) } }, bad);
}

function isOn({ scope }: Hold, wave: string): boolean {
  return scope === "fleet" || scope === `wave:${wave}`;
}

/** With a VM pinned to a revision; undefined takes its pin away. */
export function withPin(control: Control, vm: string, revision: string | undefined): Control {
  const others = Object.entries(control.pins).filter(([name]) => name !== vm);
  const added = revision === undefined ? [] : [[vm, revision] as const];
  return { ...control, pins: Object.fromEntries([...others, ...added]) };
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
    const applicable = Object.entries(undone).filter(([bad]) => bad === own(approvals, wave));
    return [wave, Object.fromEntries(applicable)] as const;
  });
  return {
    ...control,
    instead: Object.fromEntries(instead.filter(([, undone]) => Object.keys(undone).length > 0)),
    holds: control.holds.filter(({ scope, revision }) => {
      if (revision === undefined) {
        return true;
      }
      return scope.startsWith("wave:")
        ? own(approvals, scope.slice("wave:".length)) === revision
        : current.includes(revision);
    }),
  };
}
