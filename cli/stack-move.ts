/** What it takes to have VMs belong to another stack of their fleet. Pure. */
import { short } from "../rules/contract";
import { holdOfWave, holdOn, overrideOf, type Hold } from "../rules/rollout/control-item";
import { own } from "../rules/text/json";
import { holdText } from "../rules/text/sentences";
import { firstOf } from "../rules/text/text";
import type { Decisions, FleetVm } from "./fleet";
import type { StateResource } from "./stack";
import { revisionsOf } from "./status/status";

/** VMs that a line names at most. */
const named = 6;

const component = "nixos-fleet:infra:DevVm";
const instance = "gcp:compute/instance:Instance";
/** What belongs to a VM besides its component and the component's children: the end of the resource's name → its type. */
const belongings: Readonly<Record<string, string>> = {
  login: "gcp:compute/instanceIAMPolicy:InstanceIAMPolicy",
  tunnel: "gcp:iap/tunnelInstanceIAMBinding:TunnelInstanceIAMBinding",
  home: "gcp:compute/disk:Disk",
  "home-snapshots": "gcp:compute/diskResourcePolicyAttachment:DiskResourcePolicyAttachment",
  schedule: "gcp:compute/resourcePolicyAttachment:ResourcePolicyAttachment",
};

/**
 * The resources of a state that go with a VM, without children of others among them, which go along by themselves; none if the state
 * has no such VM.
 */
export function resourcesOf(vm: string, state: readonly StateResource[]): string[] {
  const urns = new Map(state.map((resource) => [resource.urn, resource]));
  const own = state.find(({ type, name }) => type === instance && name === vm);
  const parent = own?.parent === undefined ? undefined : urns.get(own.parent);
  if (parent?.type !== component) return [];
  const prefix = nameIn(parent.urn);
  const others = state.filter(({ urn, type }) =>
    Object.entries(belongings).some(([end, kind]) => type === kind && nameIn(urn) === `${prefix}-${end}`),
  );
  return [parent.urn, ...others.map(({ urn }) => urn)];
}

/** The name at the end of a URN. */
function nameIn(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** One of the two stacks of a move, as the project's metadata has it. */
interface StackState {
  stack: string;
  decisions: Pick<Decisions, "approvals" | "control" | "problems">;
}

/**
 * Why these VMs cannot change stacks now, a line each. A hold, a pin and a halted rollout are their stack's: in the other one a VM would get
 * what it was kept from. And the other stack's approvals must not take a VM back.
 */
export function moveObstacles(
  vms: readonly Pick<FleetVm, "name" | "wave">[],
  from: StackState,
  to: StackState,
): string[] {
  const unreadable = [from, to].flatMap(({ stack, decisions }) =>
    decisions.problems.map((problem) => `stack ${stack}: ${problem}`),
  );
  const open = [from, to].flatMap((one) => openRollout(one));
  const { control, approvals } = from.decisions;
  const moving = vms.flatMap((vm) => holdOn(control, vm, own(approvals, vm.wave)?.revision) ?? []);
  const waiting = Object.entries(to.decisions.approvals).flatMap(
    ([wave, { revision }]) =>
      holdOfWave(to.decisions.control, wave) ?? holdOfWave(to.decisions.control, wave, revision) ?? [],
  );
  const held = [
    ...moving.map((hold) => heldLine(from.stack, hold)),
    ...waiting.map((hold) => heldLine(to.stack, hold)),
  ];
  const pinned = vms.filter(({ name }) => name in control.pins).map(({ name }) => name);
  const undone = [from, to].flatMap(({ stack, decisions }) =>
    Object.entries(decisions.approvals).flatMap(([wave, { revision }]) =>
      overrideOf(decisions.control, wave, revision) === undefined
        ? []
        : [`stack ${stack}: ${short(revision)} was rolled back in wave ${wave}: approve a good revision first`],
    ),
  );
  const [ours] = revisions(from);
  const [theirs] = revisions(to);
  const apart =
    open.length === 0 && ours !== undefined && theirs !== undefined && ours !== theirs
      ? [
          `stack ${to.stack} is approved for ${short(theirs)} and stack ${from.stack} for ${short(ours)}: run pulumi up in both, so that they agree`,
        ]
      : [];
  return [
    ...new Set([
      ...unreadable,
      ...open,
      ...held,
      ...undone,
      ...(pinned.length === 0
        ? []
        : [`${firstOf(pinned, named)} ${pinned.length === 1 ? "is" : "are"} pinned: run fleet pin VM --clear first`]),
      ...apart,
    ]),
  ];
}

function heldLine(stack: string, hold: Hold): string {
  return `stack ${stack}: ${holdText(hold)}: run fleet resume first`;
}

function openRollout(one: StackState): string[] {
  const all = revisions(one);
  return all.length <= 1
    ? []
    : [`stack ${one.stack}: a rollout is open (${all.map(short).join(", ")}): finish it with pulumi up first`];
}

function revisions({ decisions }: StackState): string[] {
  return [...new Set(Object.values(revisionsOf(decisions.approvals)))];
}
