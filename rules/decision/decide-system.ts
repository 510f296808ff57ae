/**
 * Decides what the system's agent does now: a pure function of what is known. The operator's tool calls it with what is known from outside.
 */
import {
  approvedRevision,
  homeApproval,
  repositoryKey,
  rolloutOpen,
  type Approval,
  type ReadApprovals,
} from "../rollout/approval";
import { act, held, originChange, refusalOf, refuse, stay, type Decision, type Origin } from "./decision";
import type { Follow } from "../contract";
import { holdsOn, parseControl, type Control } from "../rollout/control-item";
import { fleetItemsReader, type FleetItemsReader } from "../rollout/fleet-items";
import { distinctHomes, type Cache, type Home, type InstanceMetadata } from "../instance-metadata";
import { own, type Parsed, withoutNulls } from "../text/json";
import type { AgentState } from "../agent-state";
import type { Metadata } from "../metadata";
import type { Right } from "./run-right";
import { ownHoldText, same } from "../report";
import { chooseTarget, type Choice } from "./target-revision";
import { builtAs } from "./flake-place";

/** The settings of the machine's own module; each counts if the instance metadata do not set it. */
export type ModuleSettings = Partial<InstanceMetadata> & Record<string, unknown>;

export interface SystemInput {
  metadata: Metadata;
  /** Reads the fleet's items of the metadata; for a caller that decides for many VMs. */
  items?: FleetItemsReader;
  /** Whether this VM once had an item in its instance metadata. */
  joined: boolean;
  hostname: string;
  settings: ModuleSettings;
  state: AgentState;
  /** A person's hold on this machine; `{}` for a hold that cannot be read. */
  localHold: { by?: string; why?: string } | null;
  right: Right;
  /** The revision that a person on this VM named. */
  wanted?: string | undefined;
  /** Whether a person on this VM asks to retry a refused revision, or lets a VM that left its fleet continue. */
  force: boolean;
  /** Whether the machine runs something other than what the agent deployed. */
  drifted: boolean;
  /** The branch's head, if a decision asked for it. */
  head?: string | undefined;
  /** Whether the deployed revision descends from the approved one, if a decision asked for it. */
  descends?: boolean | undefined;
}

/** What root lets a home run. */
export interface HomeEntry extends Home {
  /** The only revision that it may run, if only an approval moves it; empty if nothing is approved. */
  approved?: { revision?: string; lock?: string };
  /** What is approved for it, even if it may also follow its branch. */
  approval?: { revision: string; lock: string };
}

/** The settings that result from the instance metadata and the module. */
interface ResolvedSettings extends Record<string, unknown> {
  host: string;
  branch: string;
  directory: string;
  follow: Follow;
  homes: HomeEntry[];
  fleet?: string;
  stack?: string;
  wave?: string;
  repository?: string;
  subdirectory?: string;
  cache?: Cache;
}

export interface SystemDecision extends Decision {
  settings: ResolvedSettings;
  /** The revisions that may be tried again, by homes too. */
  retry: string[];
  /** Warnings for people, a line each. */
  notes: string[];
}

/** What is known of the fleet, read once. */
interface FleetFacts {
  input: SystemInput;
  settings: ResolvedSettings;
  approvals: ReadApprovals;
  control: Parsed<Control>;
  approval: Approval | undefined;
  origin: Origin;
}

export function decideSystem(input: SystemInput): SystemDecision {
  const facts = fleetFactsOf(input);
  const { approvals, settings, control } = facts;
  const decision = decide(facts);
  const approved = decision.approved ?? input.state.approved;
  return {
    ...decision,
    ...(approved === undefined ? {} : { approved }),
    settings: { ...settings, homes: homesFor(settings, approvals, facts.approval) },
    retry: control.ok ? control.value.retry : [],
    notes: notesOf(facts),
  };
}

export function fleetFactsOf(input: SystemInput): FleetFacts {
  const { metadata } = input;
  const settings = resolveSettings(input);
  const origin = { repository: settings.repository, attribute: builtAs(settings.subdirectory, settings.host) };
  if (metadata.kind !== "present") {
    const approvals = { approvals: {}, problems: {}, unknown: [] };
    return { input, settings, approvals, control: parseControl(undefined), approval: undefined, origin };
  }
  const { fleet, stack } = metadata.instance;
  const { approvals, control } = (input.items ?? fleetItemsReader(metadata.attributes))(fleet, stack);
  return { input, settings, approvals, control, approval: own(approvals.approvals, settings.wave), origin };
}

/** Instance metadata take precedence if present; the module's settings serve machines without them. */
function resolveSettings({ metadata, hostname, settings }: SystemInput): ResolvedSettings {
  const vm = metadata.kind === "present" || metadata.kind === "absent" ? metadata.vm : undefined;
  const instance = metadata.kind === "present" ? metadata.instance : {};
  const usual = { branch: "main", directory: "/etc/nixos", host: vm ?? hostname, follow: "branch" as const, homes: [] };
  const resolved = { ...usual, ...withoutNulls(settings), ...withoutNulls(instance) };
  return { ...resolved, homes: distinctHomes(resolved.homes as Home[]).homes };
}

function decide(facts: FleetFacts): Decision {
  const { input, control, approval, origin, settings } = facts;
  const { metadata, state, force } = input;
  if (input.localHold !== null) return held(input.localHold, ownHoldText);
  if (metadata.kind === "away")
    return {
      ...stay("deferred", `the metadata server does not say what this VM needs to know (${metadata.problem})`),
      transient: true,
      waiting: { for: "metadata" },
    };
  if (metadata.kind === "absent" && input.joined && !force && input.wanted === undefined)
    return stay(
      "deferred",
      "this VM has left its fleet: it has no metadata item any more; run --force goes by its module's settings",
    );
  if (!control.ok) return held({ by: "itself", why: `the control item is not readable: ${control.problem}` });
  const vm = { name: metadata.kind === "present" ? metadata.vm : "", wave: settings.wave ?? null };
  const holds = holdsOn(control.value, vm, approvedRevision(facts.approvals, settings.wave));
  const [first] = [...holds.filter(({ revision }) => revision === undefined), ...holds];
  if (first === undefined) return decided(facts, control.value);
  const refusal = refusalOf(state, approval?.revision, origin, { force, retry: control.value.retry });
  // A gate holds because of the failure, so the report must still show that failure.
  if (refusal !== undefined && holds.every(({ revision }) => revision !== undefined))
    return refuse(held({ by: first.by }).reason, refusal);
  return held(first);
}

function decided(facts: FleetFacts, control: Control): Decision {
  const { input, settings, approvals, approval } = facts;
  const { metadata, state, right, wanted, head, descends } = input;
  const { wave, follow, repository, branch, subdirectory } = settings;
  const vm = metadata.kind === "present" ? metadata.vm : undefined;
  const choice = chooseTarget({
    vm,
    wave,
    follow,
    repository,
    branch,
    subdirectory,
    approvals,
    control,
    state,
    right,
    wanted,
    head,
    descends,
  });
  const decision = choice.kind === "target" ? actOn(choice, facts, control) : withoutTarget(choice, state, settings);
  // While the VM waits for its metadata, it has not acted on the approval.
  if (approval === undefined || choice.kind === "other source") return decision;
  return { ...decision, approved: approval.revision };
}

function actOn(
  { target, why }: Extract<Choice, { kind: "target" }>,
  { input, origin }: FleetFacts,
  { retry }: Control,
): Decision {
  const { state, drifted, force } = input;
  const change = originChange(state, origin);
  const moved =
    state.repository !== undefined && origin.repository !== undefined && state.repository !== origin.repository;
  return act(state, { ...target, explicit: target.explicit || moved }, why, {
    running: "running it",
    drifted,
    change,
    refusal: refusalOf(state, target.revision, origin, { force, retry }),
  });
}

function withoutTarget(
  choice: Exclude<Choice, { kind: "target" }>,
  state: AgentState,
  { branch }: ResolvedSettings,
): Decision {
  switch (choice.kind) {
    case "none":
      return { ...stay("deferred", choice.why), nothingApproved: choice.unapproved === true };
    case "idle":
      return {
        ...stay("deferred", choice.why),
        ...(state.revision === undefined ? {} : { outcome: "unchanged" }),
        nothingApproved: true,
      };
    case "other source":
      return { ...stay("deferred", choice.why), transient: true, waiting: { for: "metadata" } };
    case "need head":
      return { ...stay("deferred", choice.why), need: { kind: "head", branch } };
    case "need descent":
      return {
        ...stay("unchanged", choice.why),
        need: { kind: "descent", revision: choice.revision, deployed: choice.deployed },
      };
  }
}

/** The homes, with the approval for each home that has its own repository. */
function homesFor(
  { homes, wave, follow }: ResolvedSettings,
  approvals: ReadApprovals,
  approval: Approval | undefined,
): HomeEntry[] {
  return homes.map((home) => {
    const { repository, branch } = home;
    if (repository === undefined || wave === undefined) return home;
    const key = repositoryKey({ repository, branch });
    const named = Object.values(approvals.approvals).flatMap(({ homes }) => own(homes, key)?.revision ?? []);
    const present = homeApproval(approval, { repository, branch });
    // This wave names none if the repository did not answer while its revision was approved.
    const differs = new Set(named).size > 1 || named.some((revision) => revision !== present?.revision);
    const bound = follow === "approved" || rolloutOpen(approvals) || differs;
    return {
      ...home,
      ...(bound ? { approved: present ?? {} } : {}),
      ...(present === undefined ? {} : { approval: present }),
    };
  });
}

function notesOf({ input, approvals, control }: FleetFacts): string[] {
  const { metadata, settings } = input;
  const instance: Record<string, unknown> = metadata.kind === "present" ? { ...metadata.instance } : {};
  const homes = distinctHomes((instance["homes"] ?? []) as Home[]);
  return [
    ...Object.entries(settings).flatMap(([key, value]) => {
      const written = own(instance, key);
      return written === undefined || value === null || value === undefined || same(written, value)
        ? []
        : [`${key}: the instance metadata says ${textOf(written)}, the module ${textOf(value)}; the metadata counts`];
    }),
    ...homes.repeated.map((user) => `homes: ${user} is there twice; the first counts`),
    ...(metadata.kind === "present" ? metadata.unknown.map((field) => `instance metadata: ${field} is not known`) : []),
    ...approvals.unknown.map((field) => `approval of wave ${field} is not known`),
    ...(control.ok ? control.unknown.map((field) => `control item: ${field} is not known`) : []),
  ];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
