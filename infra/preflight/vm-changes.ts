/** What an update would do to the VMs that exist: which changes stop a VM, and which can only be made by a new one. Pure. */
import type { PresentVm } from "../../rules/contract";
import { takesMachineType } from "../../rules/google-catalog";
import { firstOf } from "../../rules/text/text";
import { lastPart } from "../../rules/resource-link";
import type { VmConfig } from "../config/fleet-config";
import { pathOf } from "../config/google";
import { accountId, homeDiskName } from "../config/names";
import type { Findings, Fleet } from "./findings";
import { oursNamed, own, type Given } from "./stack-moves";

const DOMAIN = ".iam.gserviceaccount.com";

export function checkVm(at: string, config: Fleet, vm: VmConfig, present: PresentVm): Partial<Findings> {
  const named = config.replace.includes(vm.name);
  if (named && needsReplacement(vm, present))
    return present.deletionProtection
      ? { mistakes: [`${at}.deletionProtection: must be false, and applied, before ${vm.name} can be replaced`] }
      : { warnings: lostHomes(present) };
  const moves = `${at}.zone: ${vm.zone} would replace ${vm.name}, which is in ${present.zone}; to allow that, name it in nixos-fleet:replace`;
  return {
    mistakes: [
      ...(vm.zone === present.zone ? [] : [moves]),
      ...checkMachineType(`${at}.machineType`, config, vm, present),
    ],
    warnings: [
      ...(vm.diskSizeGb === present.bootDiskGb ? [] : [bootDisk(vm, present)]),
      ...(named ? [`replace: ${vm.name} has no change that replaces it; remove it from the list`] : []),
    ],
  };
}

/**
 * Another machine type takes a restart, and one of a series to which Compute does not change the VM a new VM. Someone may have changed the VM and
 * not the settings.
 */
function checkMachineType(
  at: string,
  { allowStopping }: Fleet,
  { name, machineType }: VmConfig,
  present: PresentVm,
): string[] {
  const { machineType: old, running, suspended } = present;
  if (!takesMachineType(old, machineType))
    return [
      `${at}: ${machineType} would replace ${name}, which is of another series, ${old}; to allow that, name it in nixos-fleet:replace; to keep it, write ${old} here`,
    ];
  if (machineType === old || !running) return [];
  if (suspended) return [`${at}: ${machineType} ${lostMemory(present)}`];
  return allowStopping
    ? []
    : [
        `${at}: ${machineType} requires restarting ${name}, which runs as ${old}; to allow that, set nixos-fleet:allowStopping to true; to keep it, write ${old} here`,
      ];
}

/** The provider stops a suspended VM for such a change also without `allowStopping`, and does not start it again. */
function lostMemory(first: PresentVm, ...more: PresentVm[]): string {
  const [are, them] = more.length === 0 ? ["is", "it"] : ["are", "them"];
  return `requires stopping ${firstOf([first, ...more].map(({ name }) => name))}, which ${are} suspended and would lose what was open; resume ${them} first: gcloud compute instances resume ${first.name} --zone=${first.zone}`;
}

/** A VM that is replaced keeps its home disk, but nothing of its boot disk. */
function lostHomes({ name, zone, bootDiskGb, disks = [] }: PresentVm): string[] {
  if (bootDiskGb === undefined || disks.some((disk) => disk.name === homeDiskName(name))) return [];
  return [
    `replace: ${name} is deleted and created again, and everything on its boot disk is lost, homes too; to keep a copy, run this first: gcloud compute disks snapshot ${name} --zone=${zone}`,
  ];
}

/** Whether a VM can get its settings only as a new VM. */
export function needsReplacement(vm: VmConfig, present: PresentVm): boolean {
  const { zone, machineType, bootDiskGb, bootDiskType = vm.diskType } = present;
  const takes = takesMachineType(machineType, vm.machineType);
  return vm.zone !== zone || !takes || vm.diskSizeGb !== bootDiskGb || vm.diskType !== bootDiskType;
}

/** The size of a boot disk is for new VMs: the provider replaces a VM if its boot disk's size changes. */
function bootDisk({ name, zone, diskSizeGb }: VmConfig, { bootDiskGb }: PresentVm): string {
  if (bootDiskGb === undefined)
    return `${name} has no boot disk; attach it again: gcloud compute instances attach-disk ${name} --boot --disk=DISK --zone=${zone}; if it is lost, name the VM in nixos-fleet:replace`;
  const is = `the boot disk of ${name} has ${bootDiskGb} GB, not the ${diskSizeGb} of diskSizeGb`;
  return diskSizeGb > bootDiskGb
    ? `${is}; to have it grow: gcloud compute disks resize ${name} --zone=${zone} --size=${diskSizeGb}`
    : `${is}, and a disk never shrinks`;
}

/** A setting of the whole stack that Compute changes only while a VM is stopped, with the running VMs that have another value. */
interface Placement {
  /** The line's beginning: the setting and its value. */
  setting: string;
  vms: string[];
  differs: string;
}

/** The network and the account of VMs that are not replaced. What the program's own arguments set is not known before an update. */
function placements(
  config: Fleet,
  present: readonly PresentVm[],
  given: Given,
  replaced: readonly string[],
): Placement[] {
  const { existingNetwork, serviceAccount = `${accountId(config.fleet, config.stack)}@${config.project}${DOMAIN}` } =
    config;
  const running = present.filter(
    (vm) =>
      own(config, vm) && vm.running && !replaced.includes(vm.name) && config.vms.some(({ name }) => name === vm.name),
  );
  const namesOf = (differs: (vm: PresentVm) => boolean) => running.filter(differs).map(({ name }) => name);
  const subnetwork = existingNetwork && pathOf(existingNetwork.subnetwork);
  return [
    {
      setting: `existingNetwork: ${lastPart(subnetwork)}`,
      // The name of the fleet's own subnet is known only to Pulumi.
      vms: namesOf(
        (vm) =>
          !given.network &&
          subnetwork !== undefined &&
          vm.subnetwork !== undefined &&
          pathOf(vm.subnetwork) !== subnetwork,
      ),
      differs: "in another subnet",
    },
    {
      setting: `serviceAccount: ${serviceAccount}`,
      // The addresses of a domain's own project have another form.
      vms: namesOf(
        (vm) =>
          !given.account && !config.project.includes(":") && vm.account !== undefined && vm.account !== serviceAccount,
      ),
      differs: "as another account",
    },
  ].filter(({ vms }) => vms.length > 0);
}

/** Another network or account stops every running VM. */
export function checkPlacement(...args: Parameters<typeof placements>): string[] {
  const [{ allowStopping }, present] = args;
  return placements(...args).flatMap(({ setting, vms, differs }) => {
    const [first, ...more] = present.filter((vm) => vm.suspended && vms.includes(vm.name));
    if (first !== undefined) return [`${setting} ${lostMemory(first, ...more)}`];
    if (allowStopping) return [];
    return [
      `${setting} requires stopping ${firstOf(vms)}, which ${vms.length === 1 ? "runs" : "run"} ${differs}; to allow that, set nixos-fleet:allowStopping to true`,
    ];
  });
}

/** The VMs that this update stops and starts, if it may. */
export function stopWarnings(...args: Parameters<typeof placements>): string[] {
  const [config, present, , replaced] = args;
  if (!config.allowStopping) return [];
  const moved = new Set(placements(...args).flatMap(({ vms }) => vms));
  const stopped = config.vms.flatMap(({ name, machineType }) => {
    const vm = oursNamed(config, present, name);
    const resized = vm?.running === true && vm.machineType !== machineType && !replaced.includes(name);
    return resized || moved.has(name) ? [name] : [];
  });
  return stopped.length === 0 ? [] : [`allowStopping: this update stops and starts ${firstOf(stopped)}`];
}
