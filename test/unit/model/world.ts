/** The small fleet that the model explores: calls the rules on a state, and caches their answers. */
import type { AgentState } from "../../../rules/agent-state";
import { approvalKey, controlKey } from "../../../rules/contract";
import type { Control } from "../../../rules/rollout/control-item";
import type { SystemInput } from "../../../rules/decision/decide-system";
import type { Approval } from "../../../rules/rollout/approval";
import type { Reaction } from "../../../rules/gate/reaction";
import { noProgress, type GateOptions, type GateState, type GateVm, type Observation } from "../../../rules/gate/state";
import type { Metadata } from "../../../rules/metadata";
import type { Right } from "../../../rules/decision/run-right";
import { realRules, type Rules } from "./rules";
import { F, FIX, get, text, V, vmAt, vmGet, type State } from "./state";
import {
  branchName,
  controlBytes,
  controlOf,
  headFor,
  hostName,
  isDescendant,
  lock,
  named,
  numberOf,
  outcomeOf,
  reportOf,
  repository,
  revisionOf,
  vmName,
  waveName,
  WAVES,
} from "./stored";

/** The settings of one exploration. */
export interface Setting {
  follow: "branch" | "approved";
  onFailure: "hold" | "rollback";
}

/** A VM's fields from `branch` to this one. */
function vmKey(state: State, vm: number, last: "refused" | "fresh"): string {
  const start = vmAt(vm);
  return text(state, start + V.branch, start + V[last] + 1);
}

/** What a VM's run comes to. */
interface Step {
  action: "stay" | "update";
  /** The target's number plus one, and whether it may be anywhere in the history. */
  target: number;
  explicit: boolean;
  /** Whether windows do not count for it. */
  urgent: boolean;
  outcome: number;
  /** What it has acted on afterwards, plus one. */
  approved: number;
  needsHead: boolean;
}

interface GateStep {
  verdict: "open" | "passed" | "unproved" | "failed";
  reaction: Reaction;
}

export class World {
  private readonly decisions = new Map<string, Step>();
  private readonly gates = new Map<string, GateStep>();
  private readonly concerns = new Map<string, string>();
  private readonly plans = new Map<string, number>();
  private readonly edits = new Map<string, Uint8Array>();

  constructor(
    readonly setting: Setting,
    readonly rules: Rules = realRules,
  ) {}

  /** What the metadata server says of the approvals and the control item, as a key. */
  private about(state: State): string {
    return text(state, F.approvedCanary, F.retry + 1);
  }

  private approvals(state: State): Record<string, Approval> {
    const one = (stored: number, source: number, urgent: number): Approval | undefined => {
      const revision = named(stored);
      if (revision === undefined) return undefined;
      return {
        ...{ revision, lock, ...(urgent === 0 ? {} : { urgent: true }) },
        ...(this.rules.approvalsNameSource ? { repository, branch: branchName(source) } : {}),
      };
    };
    const canary = one(get(state, F.approvedCanary), get(state, F.sourceCanary), get(state, F.urgentCanary));
    const rest = one(get(state, F.approvedRest), get(state, F.sourceRest), get(state, F.urgentRest));
    return { ...(canary ? { canary } : {}), ...(rest ? { rest } : {}) };
  }

  /** The control item after an edit, by the functions that the tool and gates use; written into the state. */
  edit(state: State, name: string, change: (control: Control, approvals: Record<string, string>) => Control): void {
    const key = name + this.about(state);
    let bytes = this.edits.get(key);
    if (bytes === undefined) {
      const approvals = Object.fromEntries(
        Object.entries(this.approvals(state)).map(([wave, { revision }]) => [wave, revision]),
      );
      bytes = controlBytes(change(controlOf(state), approvals));
      this.edits.set(key, bytes);
    }
    state.set(bytes, F.holds);
  }

  private metadata(state: State, vm: number, away: boolean): Metadata {
    const approvals = Object.entries(this.approvals(state)).map(
      ([wave, approval]) => [approvalKey("f", "s", wave), JSON.stringify(approval)] as const,
    );
    const attributes = Object.fromEntries([
      ...approvals,
      [controlKey("f", "s"), JSON.stringify(controlOf(state))] as const,
    ]);
    const instance = {
      ...{ contract: 2, fleet: "f", stack: "s", repository, follow: this.setting.follow, homes: [] },
      host: hostName(vm, vmGet(state, vm, "host")),
      branch: branchName(vmGet(state, vm, "branch")),
      wave: waveName(vmGet(state, vm, "wave")),
    };
    return this.rules.readMetadata({
      attributes: { status: 200, body: JSON.stringify(attributes) },
      name: { status: 200, body: vmName(vm) },
      instance: away ? { status: 503, body: "" } : { status: 200, body: JSON.stringify(instance) },
    });
  }

  private agentState(state: State, vm: number): AgentState {
    const bits = this.rules.remembersRefusals ? vmGet(state, vm, "refused") : 0;
    const refused = [0, 1, 2, FIX].flatMap((number) =>
      (bits & (1 << number)) === 0
        ? []
        : [{ revision: revisionOf(number), error: "no", rolledBack: false, at: "", stage: "build" as const }],
    );
    const part = <Name extends string>(name: Name, stored: number) => {
      const revision = named(stored);
      return (revision === undefined ? {} : { [name]: revision }) as Partial<Record<Name, string>>;
    };
    return {
      attribute: hostName(vm, vmGet(state, vm, "built")),
      ...part("revision", vmGet(state, vm, "deployed")),
      ...part("approved", vmGet(state, vm, "approved")),
      ...part("previous", vmGet(state, vm, "previous")),
      ...(refused.length === 0 ? {} : { refused }),
    };
  }

  /** A VM's run: what it decides, with whatever it had to find out. `away`: the server does not say what this VM is. */
  run(state: State, vm: number, right: Right, away: boolean): Step {
    const kind = String.fromCharCode(vm + (right === "head" ? 8 : 0) + (away ? 16 : 0));
    const key = kind + text(state, F.head, F.retry + 1) + vmKey(state, vm, "refused");
    const known = this.decisions.get(key);
    if (known !== undefined) return known;
    const found = this.decideRun(state, vm, right, away);
    this.decisions.set(key, found);
    return found;
  }

  private decideRun(state: State, vm: number, right: Right, away: boolean): Step {
    const agent = this.agentState(state, vm);
    const input: SystemInput = {
      metadata: this.metadata(state, vm, away),
      joined: true,
      hostname: vmName(vm),
      // As on a machine whose module names them as well.
      settings: { repository, branch: "main", follow: this.setting.follow },
      state: agent,
      localHold: null,
      right,
      force: false,
      drifted: false,
    };
    let decision = this.rules.decideSystem(input);
    const needsHead = decision.need?.kind === "head";
    if (decision.need?.kind === "head")
      decision = this.rules.decideSystem({ ...input, head: revisionOf(headFor(state, vm)) });
    if (decision.need?.kind === "descent") {
      const { deployed, revision } = decision.need;
      const descends = isDescendant(state, Number(deployed[0]), Number(revision[0]));
      decision = this.rules.decideSystem({ ...input, head: revisionOf(headFor(state, vm)), descends });
    }
    return {
      action: decision.action === "update" ? "update" : "stay",
      target: numberOf(decision.target?.revision),
      explicit: decision.target?.explicit ?? false,
      urgent: decision.target?.urgent ?? false,
      outcome: outcomeOf(decision.outcome, decision.waiting?.for, decision.transient),
      approved: numberOf(decision.approved ?? agent.approved),
      needsHead,
    };
  }

  /** What of the project's metadata concerns a VM, as its watcher compares it. */
  relevantState(state: State, vm: number): string {
    const key = String.fromCharCode(vm, vmGet(state, vm, "wave")) + this.about(state);
    const known = this.concerns.get(key);
    if (known !== undefined) return known;
    const metadata = this.metadata(state, vm, false);
    const found = metadata.kind === "present" ? JSON.stringify(this.rules.relevantState(metadata)) : "";
    this.concerns.set(key, found);
    return found;
  }

  /** Which waves stay as they are at an `up` of now, a bit each. */
  kept(state: State): number {
    const key = String.fromCharCode(get(state, F.head)) + this.about(state);
    const known = this.plans.get(key);
    if (known !== undefined) return known;
    const approvals = this.approvals(state);
    const current = { values: {}, approvals, control: controlOf(state) };
    const values = Object.fromEntries(Object.entries(approvals).map(([wave, one]) => [wave, JSON.stringify(one)]));
    const desired = (): Approval => ({ revision: revisionOf(get(state, F.head)), lock });
    const plan = this.rules.planWaves(
      WAVES.map((name) => ({ name })),
      desired,
      { ...current, values },
    );
    const moves = plan.waves.filter(({ kept }) => !kept).map(({ wave }) => wave.name);
    const found = WAVES.reduce((bits, name, bit) => (moves.includes(name) ? bits : bits | (1 << bit)), 0);
    this.plans.set(key, found);
    return found;
  }

  /** A gate's look: shortly after it began, or when all its time is up. */
  gate(state: State, wave: 0 | 1, late: boolean): GateStep {
    const vms = [0, 1, 2].filter((vm) => (vm === 1 ? get(state, F.wave1) : vm === 0 ? 0 : 1) === wave);
    const own = vms.map((vm) => String.fromCharCode(vm, vmGet(state, vm, "on")) + vmKey(state, vm, "fresh"));
    const passed = get(state, wave === 0 ? F.passedCanary : F.passedRest);
    const kind = String.fromCharCode(wave, late ? 1 : 0, get(state, F.runRevision), passed);
    const key = kind + this.about(state) + own.join("");
    const known = this.gates.get(key);
    if (known !== undefined) return known;
    const found = this.runGate(state, wave, vms, late);
    this.gates.set(key, found);
    return found;
  }

  private runGate(state: State, wave: 0 | 1, vms: readonly number[], late: boolean): GateStep {
    const approvals = this.approvals(state);
    const revision = named(get(state, F.runRevision)) ?? "";
    const laterWaves = wave === 0 ? ["rest"] : [];
    const options: GateOptions = {
      wave: waveName(wave),
      revision,
      members: vms.map(vmName),
      laterWaves,
      minSucceeded: this.rules.minSucceeded,
      maxFailures: { count: 0 },
      ...{ timeout: 100, bootTimeout: 100, pause: 0, homes: "report", reboot: false },
      passedBefore:
        named(get(state, wave === 0 ? F.passedCanary : F.passedRest)) === revision ||
        laterWaves.some((later) => approvals[later]?.revision === revision),
    };
    const decisions = { approvals, control: controlOf(state) };
    const seen = (at: number, first: boolean): Observation => ({
      at,
      decisions,
      fleetSize: 3,
      vms: vms.map((vm) => ({
        vm: this.gateVm(state, vm),
        reports: { system: { kind: "report", report: reportOf(state, vm, first) }, homes: {} },
      })),
    });
    const look = (before: GateState, at: number, first: boolean) => this.rules.step(before, seen(at, first), options);
    const end = look(look(noProgress, 0, true), late ? 1_000 : 31, false);
    const verdict = this.rules.decide(end, options);
    const failed = verdict.outcome === "failed" && !verdict.stopped;
    const reaction = failed ? this.rules.chooseReaction(this.setting.onFailure, end, options, 0).done : "none";
    return { verdict: verdict.outcome, reaction };
  }

  private gateVm(state: State, vm: number): GateVm {
    const on = vmGet(state, vm, "on") === 1;
    return {
      ...{ name: vmName(vm), zone: "z", wave: waveName(vmGet(state, vm, "wave")), homes: [] },
      ...{ state: on ? "RUNNING" : "TERMINATED", follow: this.setting.follow },
    };
  }
}
