/**
 * VMs that are nothing but memory. What they do about an approval is decided and remembered by the agents' own rules, as on a VM;
 * fetching, building and switching go well unless a test says otherwise.
 */
import { approvalKey, contract } from "../../../rules/contract";
import { nextState, publishable, type AgentState, type RunResult } from "../../../rules/agent-state";
import { decideSystem, type SystemDecision } from "../../../rules/decision/decide-system";
import { readMetadata, type Metadata } from "../../../rules/metadata";
import { relevantState } from "../../../rules/decision/relevant-state";
import { reportOf, type Report } from "../../../rules/report";
import { timestamp } from "../../../agent/host/time";
import type { Instance } from "../../../local/api/types";
import type { MemoryCloud } from "../../unit/local/local-machines";
import { parseApproval, type Approval } from "../../../rules/rollout/approval";
import type { InstanceMetadata } from "../../../rules/instance-metadata";

/** How an update fails. */
type Failure = Required<Pick<Report, "stage" | "error">>;

const booted = "2026-06-01T10:00:00Z";
const { namespace, system } = contract.guestAttributes;

export class MemoryVms {
  /** VMs whose agent does nothing, and so says nothing. */
  readonly silent = new Set<string>();
  /** How a VM's update to a revision fails; undefined where it goes well. */
  fails: (vm: string, revision: string) => Failure | undefined = () => undefined;
  /** VM → each revision that it has ever switched to, or tried to, in order. */
  readonly tried = new Map<string, string[]>();
  private readonly answers = new Map<string, (approved: string) => Partial<Report>>();
  private readonly states = new Map<string, AgentState>();
  /** The project's metadata as a VM last saw them. */
  private readonly heard = new Map<string, string>();
  /** What of that concerned it. */
  private readonly seen = new Map<string, string>();

  /** @param history the config repository's revisions, oldest first */
  constructor(
    private readonly cloud: MemoryCloud,
    private readonly history: readonly string[],
  ) {}

  /** Lets every running VM act as its watcher does: it wakes when the project's metadata change, and acts where that concerns it. */
  look(): void {
    const { store } = this.cloud;
    const all = store.instances();
    const gone = [...this.states.keys()].filter((name) => !all.some((one) => one.name === name));
    for (const name of gone) this.states.delete(name);
    for (const name of [...gone, ...all.filter(({ status }) => status !== "RUNNING").map(({ name }) => name)])
      this.boot(name);
    const attributes = JSON.stringify(this.attributes());
    for (const instance of all) this.answerFor(instance);
    const awake = all.filter(
      ({ name, status }) => status === "RUNNING" && !this.silent.has(name) && this.heard.get(name) !== attributes,
    );
    for (const instance of awake) {
      const relevantState = JSON.stringify(this.relevantState(instance));
      const known = this.seen.get(instance.name);
      this.heard.set(instance.name, attributes);
      this.seen.set(instance.name, relevantState);
      if (known !== relevantState) this.act(instance);
    }
  }

  /** Lets every VM act whether or not there is news, as its timer does after a boot. */
  bootAll(): void {
    for (const name of this.states.keys()) this.boot(name);
    this.look();
  }

  /**
   * Has a VM that is silent answer each approval of its wave with this, besides what it said last, until the answer is called.
   * @param report from the approved revision
   */
  answer(name: string, report: (approved: string) => Partial<Report>): () => void {
    this.answers.set(name, report);
    return () => void this.answers.delete(name);
  }

  /** The revision that a VM runs. */
  runs(name: string): string | undefined {
    return this.states.get(name)?.revision;
  }

  /** What a VM knew is gone with its boot. */
  private boot(name: string): void {
    this.heard.delete(name);
    this.seen.delete(name);
  }

  private answerFor(instance: Instance): void {
    const { name } = instance;
    const approved = this.approvalOf(instance)?.revision;
    const report = this.answers.get(name);
    const last = JSON.parse(this.cloud.store.state.guestAttributes[name]?.[`${namespace}/${system}`] ?? "{}") as Report;
    if (report === undefined || approved === undefined || last.approved === approved) return;
    this.publish(name, JSON.stringify({ ...last, at: new Date().toISOString(), ...report(approved) }));
  }

  private act(instance: Instance): void {
    const { name } = instance;
    const state = this.states.get(name) ?? {};
    const approved = this.approvalOf(instance)?.revision ?? "";
    const decision = decideSystem({
      metadata: this.metadataOf(instance),
      joined: described(instance) !== undefined,
      hostname: name,
      settings: {},
      state,
      localHold: null,
      right: "head",
      force: false,
      drifted: false,
      head: this.history.at(-1),
      descends: this.history.indexOf(state.revision ?? "") >= this.history.indexOf(approved),
    });
    const after = nextState(state, {
      ...this.resultOf(name, decision, state),
      ...(decision.approved === undefined ? {} : { approved: decision.approved }),
      rebootRequired: false,
      at: timestamp(Date.now()),
      bootedAt: booted,
      agent: contract.agent,
    });
    this.states.set(name, after);
    this.publish(name, JSON.stringify(reportOf(publishable(after), { second: false })));
  }

  /** What comes of a decision, in the terms of the agent's state. */
  private resultOf(
    name: string,
    { action, outcome, target, stage, error, reason }: SystemDecision,
    { revision = "" }: AgentState,
  ): Pick<RunResult, "outcome" | "stage" | "error" | "toplevel" | "rolledBack" | "revision" | "lock" | "refuse"> {
    const was = `/nix/store/${revision}-nixos`;
    if (action !== "update" || target === undefined)
      return {
        outcome,
        ...(stage === undefined ? {} : { stage }),
        ...(outcome === "unchanged" ? {} : { error: error ?? reason }),
        toplevel: was,
        rolledBack: false,
      };
    const failure = this.fails(name, target.revision);
    const switched = failure === undefined || ["switch", "health"].includes(failure.stage);
    if (switched) this.tried.set(name, [...(this.tried.get(name) ?? []), target.revision]);
    if (failure !== undefined) {
      const refuse = { revision: target.revision };
      return { ...failure, outcome: "failed", refuse, toplevel: was, rolledBack: switched };
    }
    const toplevel = `/nix/store/${target.revision}-nixos`;
    const lock = target.lock === undefined ? {} : { lock: target.lock };
    return { outcome, revision: target.revision, ...lock, toplevel, rolledBack: false };
  }

  private publish(name: string, report: string): void {
    const { state } = this.cloud.store;
    const known = state.guestAttributes[name] ?? {};
    state.guestAttributes = { ...state.guestAttributes, [name]: { ...known, [`${namespace}/${system}`]: report } };
  }

  /** What of the project's metadata concerns a VM. */
  private relevantState(instance: Instance): unknown {
    const metadata = this.metadataOf(instance);
    return metadata.kind === "present" || metadata.kind === "absent" ? relevantState(metadata) : metadata;
  }

  /** What the metadata server says to a VM. */
  private metadataOf(instance: Instance): Metadata {
    const item = described(instance);
    return readMetadata(
      {
        attributes: { status: 200, body: JSON.stringify(this.attributes()) },
        name: { status: 200, body: instance.name },
        instance: item === undefined ? { status: 404, body: "" } : { status: 200, body: item },
      },
      true,
    );
  }

  private approvalOf(instance: Instance): Approval | undefined {
    const text = described(instance);
    if (text === undefined) return undefined;
    const { fleet, stack, wave = "" } = JSON.parse(text) as InstanceMetadata;
    const read = parseApproval(this.attributes()[approvalKey(fleet, stack, wave)] ?? "");
    return read.ok ? read.value : undefined;
  }

  private attributes(): Record<string, string> {
    const { items = [] } = this.cloud.store.state.project.metadata;
    return Object.fromEntries(items.map(({ key, value }) => [key, value]));
  }
}

function described({ metadata }: Instance): string | undefined {
  return metadata.items?.find(({ key }) => key === contract.instanceMetadata.key)?.value;
}
