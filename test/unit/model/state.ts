/**
 * A small fleet's whole state in a few bytes: the repository, what is approved and held, the run of `pulumi up`, and three VMs. VM 0 is
 * the canary; VM 1 may change waves; VM 2 is in the last wave. Revisions are numbered: 0 is what runs at first, 1 and 2 may be pushed,
 * and FIX is the good one that `converges` pushes at the end. "None" is stored as 0, a revision as its number plus one.
 */

export const VMS = 3;
export const FIX = 3;

/** How a revision turns out. */
export const Quality = {
  good: 0,
  /** Its build fails, for a reason of its own. */
  build: 1,
  /** It comes up unhealthy, and is rolled back. */
  health: 2,
  /** It may fail for a reason that passes. */
  flaky: 3,
  /** It does well until its first boot, and is rolled back then. */
  boot: 4,
} as const;

/** What the run of `pulumi up` does next. */
export const Phase = {
  idle: 0,
  approveCanary: 1,
  gateCanary: 2,
  approveRest: 3,
  gateRest: 4,
} as const;

export const Outcome = {
  none: 0,
  unchanged: 1,
  updated: 2,
  held: 3,
  deferred: 4,
  failed: 5,
  transient: 6,
  /** Built, and waits for its window. */
  window: 7,
  /** Its metadata name another source than the approval. */
  metadata: 8,
} as const;

const outcomeNames = Object.keys(Outcome);

/** What the project's metadata say. */
const ABOUT = [
  "approvedCanary",
  "approvedRest",
  "sourceCanary",
  "sourceRest",
  "urgentCanary",
  "urgentRest",
  /** A person's holds, a bit each: fleet, wave rest, VM 0. */
  "holds",
  /** The revisions that gates hold, and that are undone. */
  "haltCanary",
  "haltRest",
  "undoCanary",
  "undoRest",
  "pin1",
  "retry",
] as const;

/** Fields of the fleet, in the order in which they are stored. */
const FIELDS = [
  /** How many more disturbances there may be. */
  "left",
  "count",
  "quality1",
  "quality2",
  "wave1",
  /** Whether the settings give VM 1 another host, and call the head urgent. */
  "host1",
  "urgent",
  "phase",
  "runRevision",
  "runBranch",
  "runUrgent",
  "runKept",
  /** What each gate last passed. */
  "passedCanary",
  "passedRest",
  /** Ghost: the revisions that a canary has proved, a bit each. */
  "proven",
  // From here to `retry` stands what a VM's decision depends on.
  "head",
  /** The head of the branch `main`, once the settings name the branch `next`. */
  "headMain",
  "parent2",
  /** Which branch the settings name. */
  "branch",
  ...ABOUT,
] as const;

const VM_FIELDS = [
  "on",
  // From here to `refused` stands what its decision depends on.
  "branch",
  "wave",
  /** Which host its metadata name, and which one it was built as. */
  "host",
  "built",
  "deployed",
  "approved",
  "previous",
  /** A bit for each revision. */
  "refused",
  "outcome",
  /** It has reported since the gate began. */
  "fresh",
  /** Something that concerns it has changed since it last acted. */
  "dirty",
  /** It has booted and its timer has not run yet. */
  "due",
  /** The right of the run that it tries again: 1 approved, 2 head. */
  "again",
  /** What its next boot judges, plus one: a switch that a crash cut short, or one that is whole only after a boot. */
  "trial",
  /** The metadata server still gives it what was stored when it fell behind. */
  "stale",
] as const;

type Field = (typeof FIELDS)[number];
type VmField = (typeof VM_FIELDS)[number];

/** Where the project's metadata stand as a VM with stale ones sees them. */
const STALE = FIELDS.length;
const VMS_AT = STALE + ABOUT.length;
const SIZE = VMS_AT + VMS * VM_FIELDS.length;

/** A state; its bytes are read and written by the offsets below. */
export type State = Buffer;

export const F = Object.fromEntries(FIELDS.map((name, index) => [name, index])) as Record<Field, number>;
export const V = Object.fromEntries(VM_FIELDS.map((name, index) => [name, index])) as Record<VmField, number>;

/** Where a VM's fields begin. */
export function vmAt(vm: number): number {
  return VMS_AT + vm * VM_FIELDS.length;
}

/** The state as a VM sees it. */
export function seenBy(state: State, vm: number): State {
  if (vmGet(state, vm, "stale") === 0) return state;
  const seen = copy(state);
  seen.set(state.subarray(STALE, VMS_AT), F[ABOUT[0]]);
  return seen;
}

/** From now on a VM sees what the project's metadata say now. */
export function fallBehind(state: State, vm: number): void {
  state.set(state.subarray(F[ABOUT[0]], F[ABOUT[0]] + ABOUT.length), STALE);
  vmSet(state, vm, "stale", 1);
}

/** A VM sees what there is again. */
export function catchUp(state: State, vm: number): void {
  state.fill(0, STALE, VMS_AT);
  vmSet(state, vm, "stale", 0);
}

export function get(state: State, offset: number): number {
  return state[offset] ?? 0;
}

export function vmGet(state: State, vm: number, field: VmField): number {
  return state[vmAt(vm) + V[field]] ?? 0;
}

export function vmSet(state: State, vm: number, field: VmField, value: number): void {
  state[vmAt(vm) + V[field]] = value;
}

export function copy(state: State): State {
  const after = Buffer.allocUnsafe(SIZE);
  after.set(state);
  return after;
}

/** Some of a state's bytes as text, one character a byte. */
export function text(state: State, from = 0, to = SIZE): string {
  return state.toString("latin1", from, to);
}

export function fromText(written: string): State {
  return Buffer.from(written, "latin1");
}

/** All run revision 0, which every wave is approved for and every gate has passed. */
export function initial(disturbances: number): State {
  const state = Buffer.alloc(SIZE);
  state[F.left] = disturbances;
  state[F.count] = 1;
  state[F.approvedCanary] = 1;
  state[F.approvedRest] = 1;
  state[F.passedCanary] = 1;
  state[F.passedRest] = 1;
  state[F.proven] = 1;
  state[F.wave1] = 1;
  for (let vm = 0; vm < VMS; vm += 1) {
    vmSet(state, vm, "on", 1);
    vmSet(state, vm, "wave", vm === 0 ? 0 : 1);
    vmSet(state, vm, "deployed", 1);
    vmSet(state, vm, "approved", 1);
    vmSet(state, vm, "outcome", Outcome.unchanged);
  }
  return state;
}

/** For people who read a trace. */
export function describe(state: State): string {
  const fleet = FIELDS.flatMap((name, index) => (state[index] === 0 ? [] : [`${name}=${state[index] ?? 0}`]));
  const vms = Array.from({ length: VMS }, (_, vm) => {
    const own = VM_FIELDS.flatMap((name) => {
      const value = vmGet(state, vm, name);
      return value === 0 ? [] : [`${name}=${name === "outcome" ? (outcomeNames[value] ?? "?") : value}`];
    });
    return `vm${vm}{${own.join(" ")}}`;
  });
  return [...fleet, ...vms].join(" ");
}
