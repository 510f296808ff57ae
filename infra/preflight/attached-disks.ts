/** Disks that someone attached to a VM by hand. Pure. */
import { HOME_DEVICE, type Inventory, type PresentVm } from "../../rules/contract";
import { firstOf } from "../../rules/text/text";
import type { VmConfig } from "../config/fleet-config";
import { homeDiskName } from "../config/names";
import type { Findings, Fleet } from "./findings";
import { oursNamed } from "./stack-moves";

/** The names of the disks on a VM that are neither its boot disk nor its home disk. */
function foreignDisks({ name, disks = [] }: PresentVm): string[] {
  return disks.map((disk) => disk.name).filter((disk) => disk !== homeDiskName(name));
}

/** Whether the home disk is attached if it should be, and is not if it should not be. */
function homeIsPlaced({ name, homeDisk }: VmConfig, { disks = [] }: PresentVm): boolean {
  const home = disks.find((disk) => disk.name === homeDiskName(name));
  return homeDisk === undefined ? home === undefined : home?.device === HOME_DEVICE;
}

/**
 * The names of the VMs whose attached disks this update must leave as they are: the provider takes the program's list for the whole, and
 * detaches everything else from a running VM once it has read it.
 */
export function keptDisks(config: Fleet, { vms }: Inventory, replaced: readonly string[]): string[] {
  return config.vms
    .filter((vm) => {
      const present = oursNamed(config, vms, vm.name);
      if (present === undefined || replaced.includes(vm.name)) return false;
      return foreignDisks(present).length > 0 && homeIsPlaced(vm, present);
    })
    .map(({ name }) => name);
}

/** What a person should know of such disks. The list can change only as a whole, so a change of the home disk waits for them to go. */
export function checkAttachedDisks(
  at: string,
  vm: VmConfig,
  present: PresentVm,
  isReplaced: boolean,
): Partial<Findings> {
  const [first, ...others] = foreignDisks(present);
  if (first === undefined || isReplaced) return {};
  const { name } = vm;
  const names = firstOf([first, ...others]);
  const words =
    others.length === 0
      ? { disks: "disk", are: "is", they: "it stays", them: "it" }
      : { disks: "disks", are: "are", they: "they stay", them: "them" };
  if (homeIsPlaced(vm, present))
    return {
      warnings: [
        `${name} has the ${words.disks} ${names}, which ${words.are} not of this program; ${words.they} attached, and Pulumi changes none of the VM's attached disks`,
      ],
    };
  const detach = `gcloud compute instances detach-disk ${name} --disk=${first} --zone=${present.zone}`;
  return {
    mistakes: [
      `${at}: with this change Pulumi would also detach ${names} from ${name}; detach ${words.them} before, and attach ${words.them} again afterwards: ${detach}`,
    ],
  };
}
