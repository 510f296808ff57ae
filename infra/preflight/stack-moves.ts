/** Which VMs are the stack's own, and which come from another stack of the fleet or go to one. Pure. */
import { groupEntries } from "../../rules/group-entries";
import type { PresentVm } from "../../rules/contract";
import type { FleetConfig } from "../config/fleet-config";
import { pathOf } from "../config/google";
import { own as field } from "../../rules/text/json";
import { firstOf } from "../../rules/text/text";

/** What the program's own arguments set instead of the settings; their values are not known before an update. */
export interface Given {
  network: boolean;
  account: boolean;
}

type Stacks = Pick<FleetConfig, "fleet" | "stack" | "stacks">;
type Members = Stacks & Pick<FleetConfig, "vms">;

export function own(
  { fleet, stack }: Pick<FleetConfig, "fleet" | "stack">,
  present: { fleet: string; stack: string },
): boolean {
  return present.fleet === fleet && present.stack === stack;
}

/** Whether it belongs to this stack, or comes from another stack that shares the list of VMs with this one. */
export function ours(config: Stacks, present: { fleet: string; stack: string }): boolean {
  const { fleet, stacks = [] } = config;
  return own(config, present) || (present.fleet === fleet && stacks.some(({ name }) => name === present.stack));
}

/** The existing VM of a name that is this stack's or comes to it. */
export function oursNamed(config: Stacks, present: readonly PresentVm[], name: string): PresentVm | undefined {
  return present.find((vm) => vm.name === name && ours(config, vm));
}

/** The names of the VMs that this update moves from one wave to another, or from another stack to this one. */
export function movingVms(config: Members, present: readonly PresentVm[]): string[] {
  const moves = (vm: PresentVm, wave: string) => (own(config, vm) ? vm.wave !== wave : ours(config, vm));
  return config.vms
    .filter(({ name, wave }) => present.some((vm) => vm.name === name && moves(vm, wave)))
    .map(({ name }) => name);
}

/** The VMs that come from another stack of the fleet: VM → stack. */
export function arrivals(config: Members, present: readonly PresentVm[]): Record<string, string> {
  return Object.fromEntries(
    config.vms.flatMap(({ name, zone }) => {
      const vm = present.find((one) => one.name === name && one.zone === zone && ours(config, one));
      return vm === undefined || own(config, vm) ? [] : [[name, vm.stack]];
    }),
  );
}

/** A VM from another stack stays in its subnet and keeps its account: a change of either would replace or stop it. */
export function checkArrivals(
  config: Members & Pick<FleetConfig, "existingNetwork" | "serviceAccount">,
  present: readonly PresentVm[],
  given: Given,
): string[] {
  const stackOf = arrivals(config, present);
  const coming = present.filter((vm) => Object.hasOwn(stackOf, vm.name) && ours(config, vm) && !own(config, vm));
  const differs = (vm: PresentVm) =>
    vm.subnetwork !== undefined && pathOf(vm.subnetwork) !== pathOf(config.existingNetwork?.subnetwork ?? "");
  const lines = coming.flatMap((vm) => {
    const from = `from stack ${vm.stack}`;
    return [
      ...(!given.network && differs(vm)
        ? [
            [
              `${from} and keeps its network: set nixos-fleet:existingNetwork to { network: ${vm.network ?? "?"}, subnetwork: ${vm.subnetwork ?? "?"} }`,
              vm.name,
            ] as const,
          ]
        : []),
      ...(!given.account && vm.account !== undefined && vm.account !== config.serviceAccount
        ? [[`${from} and keeps its account: set nixos-fleet:serviceAccount to ${vm.account}`, vm.name] as const]
        : []),
    ];
  });
  // A difference that all VMs of a stack share is one line.
  return [...groupEntries(lines)].map(([text, names]) => {
    return `stacks: ${firstOf(names)} ${names.length === 1 ? "comes" : "come"} ${names.length === 1 ? text : text.replace("keeps its", "keep their")}`;
  });
}

/** A VM that now belongs to another stack would be deleted here. The other stack must take it over first; the VM's label shows that. */
export function checkDepartures(
  { fleet, stack, stackOf = {} }: Pick<FleetConfig, "fleet" | "stack" | "stackOf">,
  present: readonly PresentVm[],
): string[] {
  const leaving = present.flatMap((vm) => {
    const to = field(stackOf, vm.name);
    return own({ fleet, stack }, vm) && to !== undefined && to !== stack ? [[to, vm.name] as const] : [];
  });
  return [...groupEntries(leaving)].map(
    ([to, names]) =>
      `stacks: ${firstOf(names)} ${names.length === 1 ? "belongs" : "belong"} to stack ${to}: run fleet move --to ${to} and pulumi up --stack ${to} first`,
  );
}
