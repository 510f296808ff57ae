/** What an update would do to the VMs and disks that are there. */
import * as pulumi from "@pulumi/pulumi";
import type { Inventory, PresentDisk, PresentVm } from "../../rules/contract";
import type { FleetConfig, VmConfig } from "../config/fleet-config";
import { homeDiskName } from "../config/names";
import { ConfigError } from "../config-error";

/** Lines that begin with the key. */
export interface Findings {
  mistakes: string[];
  warnings: string[];
}

type Fleet = Pick<FleetConfig, "fleet" | "stack" | "project" | "vms" | "replace" | "network" | "allowStopping">;

/** Says what a person should know before anything is changed. @throws ConfigError of all that stops the update */
export function assertNoReplacement(config: Fleet, inventory: Inventory, ownNetwork: boolean): void {
  const { mistakes, warnings } = checkChanges(config, inventory, ownNetwork);
  if (mistakes.length > 0) throw new ConfigError(mistakes.map((line) => `nixos-fleet:${line}`));
  for (const line of warnings) void pulumi.log.warn(line);
}

/** The same, pure. Changes that would replace a VM stop the update, unless the VM is in `replace`. */
export function checkChanges(config: Fleet, { vms, disks }: Inventory, ownNetwork = true): Findings {
  const all = config.vms.flatMap((vm, index) => {
    const present = vms.find((one) => one.name === vm.name && own(config, one));
    return [
      taken(`vms[${index}].name`, config, vm.name, vm.zone, vms),
      present ? checkVm(`vms[${index}]`, config, vm, present) : {},
      checkDisk(`vms[${index}].homeDisk`, config, vm, present, disks),
    ];
  });
  return {
    mistakes: [...(ownNetwork ? checkNetwork(config, vms) : []), ...all.flatMap(({ mistakes = [] }) => mistakes)],
    warnings: all.flatMap(({ warnings = [] }) => warnings),
  };
}

/** The home disks that are there already, by VM name, as the provider's ids: they are taken over and not made again. */
export function existingHomeDisks(config: Fleet, { disks }: Inventory): Record<string, string> {
  return Object.fromEntries(
    config.vms.flatMap(({ name, zone }) => {
      const disk = homeDiskName(name);
      return disks.some((one) => one.name === disk && one.zone === zone && own(config, one))
        ? [[name, `projects/${config.project}/zones/${zone}/disks/${disk}`]]
        : [];
    }),
  );
}

/** The VMs that this update takes from one wave to another, by name. */
export function movingVms(config: Pick<Fleet, "fleet" | "stack" | "vms">, present: Inventory["vms"]): string[] {
  return config.vms
    .filter(({ name, wave }) => present.some((vm) => vm.name === name && own(config, vm) && vm.wave !== wave))
    .map(({ name }) => name);
}

/** Compute widens a subnet's range and changes it in no other way. */
function checkNetwork(config: Fleet, present: readonly PresentVm[]): string[] {
  const { cidr } = config.network;
  const outside = present.filter((vm) => own(config, vm) && !covers(cidr, vm.cidr));
  if (outside.length === 0) return [];
  const ranges = [...new Set(outside.map((vm) => vm.cidr))].join(" and ");
  return [
    `network.cidr: ${cidr} does not hold ${ranges}, the subnet of ${outside.map(({ name }) => name).join(", ")}; a subnet can be widened and not moved`,
  ];
}

function checkVm(at: string, config: Fleet, vm: VmConfig, present: PresentVm): Partial<Findings> {
  const moved = vm.zone !== present.zone;
  const resized = vm.diskSizeGb !== present.bootDiskGb;
  const named = config.replace.includes(vm.name);
  if (named && (moved || resized))
    return present.deletionProtection
      ? { mistakes: [`${at}.deletionProtection: must be false, and applied, before ${vm.name} can be replaced`] }
      : {};
  const moves = `${at}.zone: ${vm.zone} would replace ${vm.name}, which is in ${present.zone}; to allow that, name it in nixos-fleet:replace`;
  const stops = `${at}.machineType: ${vm.machineType} takes a stop and a start of ${vm.name}, which runs as ${present.machineType}; to allow that, set nixos-fleet:allowStopping to true`;
  const stopped = vm.machineType === present.machineType || !present.running || config.allowStopping;
  return {
    mistakes: [...(moved ? [moves] : []), ...(stopped ? [] : [stops])],
    warnings: [
      ...(resized ? [bootDisk(vm, present)] : []),
      ...(named ? [`replace: ${vm.name} has no change of zone or boot disk size; remove it from the list`] : []),
    ],
  };
}

/** The size of a boot disk is for new VMs: to the provider another one is another VM. */
function bootDisk({ name, zone, diskSizeGb }: VmConfig, { bootDiskGb }: PresentVm): string {
  const is = `the boot disk of ${name} has ${bootDiskGb} GB, not the ${diskSizeGb} of diskSizeGb`;
  return diskSizeGb > bootDiskGb
    ? `${is}; to have it grow: gcloud compute disks resize ${name} --zone=${zone} --size=${diskSizeGb}`
    : `${is}, and a disk never shrinks`;
}

function checkDisk(
  at: string,
  config: Fleet,
  { name, zone, homeDisk }: VmConfig,
  vm: PresentVm | undefined,
  disks: readonly PresentDisk[],
): Partial<Findings> {
  if (homeDisk === undefined) return {};
  const called = homeDiskName(name);
  const disk = disks.find((one) => one.name === called && one.zone === zone && own(config, one));
  const left = disks.find((one) => one.name === called && one.zone === vm?.zone && own(config, one));
  const moves = config.replace.includes(name) && vm !== undefined && vm.zone !== zone && disk === undefined;
  return {
    mistakes: [
      ...(taken(at, config, called, zone, disks).mistakes ?? []),
      ...(disk && disk.type !== homeDisk.type
        ? [`${at}.type: ${homeDisk.type} is not what ${called} is, ${disk.type}; a disk keeps its type`]
        : []),
      ...(disk && disk.sizeGb > homeDisk.sizeGb
        ? [
            `${at}.sizeGb: ${homeDisk.sizeGb} is less than the ${disk.sizeGb} GB that ${called} has; a disk never shrinks`,
          ]
        : []),
    ],
    warnings:
      moves && left
        ? [
            `${called} stays in ${left.zone}, and ${name} begins with a blank one; to take it along, make ${called} in ${zone} from a snapshot first`,
          ]
        : [],
  };
}

/** Compute's names are unique in a zone, whichever stack or fleet something is of. */
function taken(
  at: string,
  config: Fleet,
  name: string,
  zone: string,
  present: readonly (PresentVm | PresentDisk)[],
): Partial<Findings> {
  const rival = present.find((one) => one.name === name && one.zone === zone && !own(config, one));
  return rival
    ? { mistakes: [`${at}: ${name} is there already in ${zone}, of fleet ${rival.fleet}, stack ${rival.stack}`] }
    : {};
}

function own({ fleet, stack }: Pick<Fleet, "fleet" | "stack">, present: { fleet: string; stack: string }): boolean {
  return present.fleet === fleet && present.stack === stack;
}

/** Whether an IPv4 range holds all of another. */
function covers(outer: string, inner: string): boolean {
  const [outerStart, outerBits] = range(outer);
  const [innerStart, innerBits] = range(inner);
  return innerBits >= outerBits && prefix(innerStart, outerBits) === prefix(outerStart, outerBits);
}

function range(cidr: string): [start: number, bits: number] {
  const [address = "", bits] = cidr.split("/");
  return [address.split(".").reduce((number, part) => number * 256 + Number(part), 0), Number(bits)];
}

function prefix(address: number, bits: number): number {
  return Math.floor(address / 2 ** (32 - bits));
}
