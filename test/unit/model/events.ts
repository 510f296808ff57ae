/** What can happen to the small fleet, one event at a time. Every event that is possible in a state leads to a state after it. */
import {
  noControl,
  pruned,
  withHalt,
  withHold,
  withoutHolds,
  withPin,
  withRetry,
  withUndo,
} from "../../../rules/rollout/control-item";
import type { Trigger } from "../../../rules/decision/run-right";
import { checkApproval, checkPlan } from "./invariants";
import { catchUp, copy, F, fallBehind, FIX, get, Phase, Quality, seenBy } from "./state";
import { vmGet, VMS, vmSet, type State } from "./state";
import { revisionOf } from "./stored";
import { run, smooth, stop, type Chance } from "./vm-run";
import type { World } from "./world";

/** Takes an event's name and the state after it. */
type Emit = (event: string, after: State) => void;

/**
 * Everything but what the fleet does by itself is a disturbance: pushes, people, kills, stops, what does not answer. Of these a trace has
 * only so many, in any order and at any time, which lets it go as far as the fleet does by itself.
 */
function disturb(emit: Emit): Emit {
  return (event, after) => {
    after[F.left] = get(after, F.left) - 1;
    emit(event, after);
  };
}

const person = { by: "eve", why: "demo", at: "2026-01-01T00:00:00Z" };
const qualities = Object.entries(Quality);

/** Whatever may happen next. @throws Violation where a rule is broken */
export function successors(world: World, state: State, emit: Emit): void {
  const disturbs = get(state, F.left) > 0 ? disturb(emit) : undefined;
  if (disturbs !== undefined) {
    repositoryEvents(state, disturbs);
    personEvents(world, state, disturbs);
  }
  upEvents(world, state, emit, disturbs);
  for (let vm = 0; vm < VMS; vm += 1) vmEvents(world, state, vm, emit, disturbs);
}

function repositoryEvents(state: State, emit: Emit): void {
  const count = get(state, F.count);
  if (count < FIX)
    for (const [name, quality] of qualities) {
      const after = copy(state);
      after[F.head] = count;
      after[F.count] = count + 1;
      after[count === 1 ? F.quality1 : F.quality2] = quality;
      if (count === 2) after[F.parent2] = get(state, F.head);
      emit(`push ${name}`, after);
    }
  const head = get(state, F.head);
  if (head > 0 && get(state, F.branch) === 0) {
    const after = copy(state);
    after[F.head] = head === 2 ? get(state, F.parent2) : 0;
    emit("force-push", after);
  }
  if (get(state, F.branch) === 0) {
    const after = copy(state);
    after[F.branch] = 1;
    after[F.headMain] = head;
    emit("settings: branch next", after);
  }
  const toggle = (event: string, field: number) => {
    const after = copy(state);
    after[field] = 1 - get(state, field);
    emit(event, after);
  };
  toggle("settings: another wave for b", F.wave1);
  toggle("settings: another host for b", F.host1);
  toggle("settings: urgent", F.urgent);
}

/** Marks the VMs that run and to which something changed from one state to another. */
function notify(world: World, before: State, after: State): void {
  for (let vm = 0; vm < VMS; vm += 1)
    if (
      vmGet(after, vm, "on") === 1 &&
      world.relevantState(seenBy(before, vm), vm) !== world.relevantState(seenBy(after, vm), vm)
    )
      vmSet(after, vm, "dirty", 1);
}

function upEvents(world: World, state: State, emit: Emit, disturbs: Emit | undefined): void {
  if (get(state, F.phase) === Phase.idle) {
    emit("up", begin(world, state));
    return;
  }
  if (disturbs !== undefined) {
    const killed = copy(state);
    end(killed);
    disturbs("up is killed", killed);
  }
  for (const late of [false, true]) {
    const after = upStep(world, state, late);
    if (after !== undefined) emit(late ? "the gate's time is up" : "up goes on", after);
    if (get(state, F.phase) === Phase.approveCanary || get(state, F.phase) === Phase.approveRest) break;
  }
}

/** A run begins: what it will approve is decided, and VMs that change waves do so. */
export function begin(world: World, state: State): State {
  const after = copy(state);
  after[F.runRevision] = get(state, F.head) + 1;
  after[F.runBranch] = get(state, F.branch);
  after[F.runUrgent] = get(state, F.urgent);
  after[F.runKept] = world.kept(state);
  checkPlan(after);
  after[F.phase] = Phase.approveCanary;
  vmSet(after, 1, "wave", get(state, F.wave1));
  vmSet(after, 1, "host", get(state, F.host1));
  notify(world, state, after);
  return after;
}

function end(state: State): void {
  for (const field of [F.phase, F.runRevision, F.runBranch, F.runUrgent, F.runKept]) state[field] = 0;
}

/** The run's next step; undefined where it waits. */
export function upStep(world: World, state: State, late: boolean): State | undefined {
  const phase = get(state, F.phase);
  const after = copy(state);
  if (phase === Phase.approveCanary || phase === Phase.approveRest) approve(state, after, phase);
  else if (!gate(world, state, after, phase, late)) return undefined;
  notify(world, state, after);
  return after;
}

function approve(state: State, after: State, phase: number): void {
  const wave = phase === Phase.approveCanary ? 0 : 1;
  const revision = get(state, F.runRevision);
  if ((get(state, F.runKept) & (1 << wave)) !== 0) {
    // What keeps the first wave keeps the others as well.
    end(after);
    return;
  }
  checkApproval(state, wave, revision);
  after[wave === 0 ? F.approvedCanary : F.approvedRest] = revision;
  after[wave === 0 ? F.sourceCanary : F.sourceRest] = get(state, F.runBranch);
  after[wave === 0 ? F.urgentCanary : F.urgentRest] = get(state, F.runUrgent);
  // A gate whose inputs are what it last passed with does not run.
  const runs = get(state, wave === 0 ? F.passedCanary : F.passedRest) !== revision;
  if (runs) {
    after[F.phase] = wave === 0 ? Phase.gateCanary : Phase.gateRest;
    for (let vm = 0; vm < VMS; vm += 1) vmSet(after, vm, "fresh", 0);
  } else if (wave === 0) after[F.phase] = Phase.approveRest;
  else end(after);
}

/** Whether the gate has decided. */
function gate(world: World, state: State, after: State, phase: number, late: boolean): boolean {
  const wave = phase === Phase.gateCanary ? 0 : 1;
  const { verdict, reaction } = world.gate(state, wave, late);
  if (verdict === "open") return false;
  const revision = get(state, F.runRevision);
  if (verdict === "passed") {
    after[wave === 0 ? F.passedCanary : F.passedRest] = revision;
    if (wave === 0) {
      after[F.phase] = Phase.approveRest;
      return true;
    }
  } else if (verdict === "failed" && (reaction === "hold" || reaction === "rollback")) {
    const bad = revisionOf(revision - 1);
    world.edit(after, `${reaction}${bad}`, (control, approvals) => {
      const waves = Object.keys(approvals).filter((name) => approvals[name] === bad);
      const edited = pruned(control, approvals);
      return reaction === "hold" ? withHalt(edited, waves, bad, person) : withUndo(edited, waves, bad, "previous");
    });
  }
  end(after);
  return true;
}

function personEvents(world: World, state: State, emit: Emit): void {
  const edit = (event: string, change: Parameters<World["edit"]>[2]) => {
    const after = copy(state);
    world.edit(after, event, change);
    notify(world, state, after);
    emit(event, after);
  };
  for (const scope of ["fleet", "wave:rest", "vm:a"])
    edit(`hold ${scope}`, (control, approvals) => withHold(pruned(control, approvals), { scope, ...person }));
  const scopes = ["fleet", "wave:rest", "wave:canary", "vm:a"];
  edit("resume", (control, approvals) => withoutHolds(pruned(control, approvals), scopes));
  for (let revision = 0; revision < get(state, F.count); revision += 1)
    edit(`pin b ${revision}`, (control, approvals) => withPin(pruned(control, approvals), "b", revisionOf(revision)));
  edit("clear the pin", (control, approvals) => withPin(pruned(control, approvals), "b", undefined));
  const stored = get(state, F.approvedCanary);
  if (stored === 0) return;
  const bad = revisionOf(stored - 1);
  edit(`rollback ${stored - 1}`, (control, approvals) => {
    const waves = Object.keys(approvals).filter((name) => approvals[name] === bad);
    return withUndo(pruned(control, approvals), waves, bad, "previous");
  });
  edit(`retry ${stored - 1}`, (control, approvals) => withRetry(pruned(control, approvals), bad));
}

/** A control item in which no person holds or pins anything. */
export function resumeAll(world: World, state: State): void {
  world.edit(state, "let go", (control) => ({
    ...control,
    holds: control.holds.filter(({ revision }) => revision),
    pins: noControl.pins,
  }));
}

function vmEvents(world: World, state: State, vm: number, emit: Emit, disturbs: Emit | undefined): void {
  const name = "abc"[vm] ?? "";
  if (vmGet(state, vm, "on") === 0) {
    const after = copy(state);
    vmSet(after, vm, "on", 1);
    vmSet(after, vm, "due", 1);
    emit(`${name} starts`, after);
    return;
  }
  if (disturbs !== undefined) {
    const stopped = copy(state);
    stop(stopped, vm);
    disturbs(`${name} stops`, stopped);
  }
  staleEvents(world, state, vm, emit, disturbs);
  if (get(state, F.phase) !== Phase.idle && vmGet(state, vm, "branch") !== get(state, F.runBranch)) {
    const after = copy(state);
    vmSet(after, vm, "branch", get(state, F.runBranch));
    emit(`${name} gets its metadata`, after);
  }
  for (const trigger of triggers(state, vm)) {
    const goes = (chance: Partial<Chance>) => run(world, state, vm, trigger, { ...smooth, ...chance });
    emit(`${name} runs (${trigger})`, goes({}));
    if (disturbs === undefined) continue;
    disturbs(`${name} runs (${trigger}), and is deferred`, goes({ luck: false }));
    disturbs(`${name} runs (${trigger}), its metadata away`, goes({ away: true }));
    disturbs(`${name} runs (${trigger}), and crashes before that is noted`, goes({ crash: true }));
  }
}

/** The metadata server gives a VM what was there before, and at any later time what there is. Of one VM at a time. */
function staleEvents(world: World, state: State, vm: number, emit: Emit, disturbs: Emit | undefined): void {
  const name = "abc"[vm] ?? "";
  const after = copy(state);
  if (vmGet(state, vm, "stale") === 1) {
    refresh(world, after, vm);
    emit(`${name} sees new metadata`, after);
  } else if (disturbs !== undefined && [0, 1, 2].every((other) => vmGet(state, other, "stale") === 0)) {
    fallBehind(after, vm);
    disturbs(`${name} sees old metadata from now on`, after);
  }
}

/** Lets a VM see what there is; its watcher notices what is new in that. */
export function refresh(world: World, state: State, vm: number): void {
  const before = world.relevantState(seenBy(state, vm), vm);
  catchUp(state, vm);
  if (vmGet(state, vm, "on") === 1 && world.relevantState(state, vm) !== before) vmSet(state, vm, "dirty", 1);
}

function triggers(state: State, vm: number): Trigger[] {
  return [
    ...(vmGet(state, vm, "dirty") === 1 ? (["watch"] as const) : []),
    ...(vmGet(state, vm, "due") === 1 ? (["boot"] as const) : []),
    ...(vmGet(state, vm, "again") > 0 ? (["retry"] as const) : []),
    "schedule",
  ];
}
