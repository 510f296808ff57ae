/** What an update would do to the existing VMs and disks. */
import * as pulumi from "@pulumi/pulumi";
import { contract, type Inventory, type PresentDisk, type PresentVm } from "../../rules/contract";
import type { VmConfig } from "../config/fleet-config";
import { homeDiskName } from "../config/names";
import { mergeVms, type Findings, type Fleet } from "./findings";
import { checkAttachedDisks } from "./attached-disks";
import { checkNetwork } from "./subnet";
import { checkPlacement, checkVm, needsReplacement, stopWarnings } from "./vm-changes";
import { ConfigError } from "../config-error";
import { checkArrivals, checkDepartures, ours, oursNamed, own, type Given } from "./stack-moves";
import { firstOf } from "../../rules/text/text";

const NOTHING_GIVEN: Given = { network: false, account: false };

/** Prints what a person should know before anything is changed. @throws ConfigError of everything that stops the update */
export function assertNoReplacement(config: Fleet, inventory: Inventory, given: Given): void {
  const { mistakes, warnings } = checkChanges(config, inventory, given);
  if (mistakes.length > 0)
    throw new ConfigError(
      mistakes.map((line) => (line.startsWith("gcp:") ? line : `nixos-fleet:${line}`)),
      "NF102",
    );
  for (const line of warnings) void pulumi.log.warn(line);
}

/** The same, pure. Changes that would replace a VM stop the update, unless the VM is in `replace`. */
export function checkChanges(config: Fleet, inventory: Inventory, given = NOTHING_GIVEN): Findings {
  const { vms } = inventory;
  // Everything else that such a VM differs in follows from this.
  const moved = checkRegion(config, vms);
  if (moved.length > 0) return { mistakes: moved, warnings: [] };
  const replaced = replacedVms(config, inventory);
  const ownNetwork = !given.network && config.existingNetwork === undefined;
  const all = config.vms.flatMap((vm, index) => {
    const present = oursNamed(config, vms, vm.name);
    const found = [
      ...(present
        ? [
            checkVm(`vms[${index}]`, config, vm, present),
            checkAttachedDisks(`vms[${index}].homeDisk`, vm, present, replaced.includes(vm.name)),
          ]
        : []),
      checkDisk(`vms[${index}].homeDisk`, config, vm, present, inventory, replaced.includes(vm.name)),
    ];
    return found.map((one) => [vm.name, one] as const);
  });
  const linesOf = (kind: keyof Findings) =>
    mergeVms(all.flatMap(([name, { [kind]: lines = [] }]) => lines.map((line) => [name, line] as const)));
  return {
    mistakes: [
      ...(ownNetwork ? checkNetwork(config, vms) : []),
      ...checkPlacement(config, vms, given, replaced),
      ...takenNames(config, inventory),
      ...checkArrivals(config, vms, given),
      ...checkDepartures(config, vms),
      ...linesOf("mistakes"),
    ],
    warnings: [...linesOf("warnings"), ...stopWarnings(config, vms, given, replaced)],
  };
}

/**
 * The names of the VMs that this update replaces: of those in `replace`, the ones with such a change. One that is gone, such as after a
 * replacement that was cut short, gets all of its settings too.
 */
export function replacedVms(config: Fleet, { vms }: Inventory): string[] {
  return config.vms
    .filter((vm) => {
      const present = oursNamed(config, vms, vm.name);
      return config.replace.includes(vm.name) && (present === undefined || needsReplacement(vm, present));
    })
    .map(({ name }) => name);
}

/**
 * Whether a disk is this stack's. A disk that came with its VM from another stack keeps that stack's label, also when that stack is gone:
 * it is ours as long as it is attached to our VM of its name.
 */
function isOurDisk(config: Fleet, disk: PresentDisk, vms: readonly PresentVm[]): boolean {
  const isAttached = vms.some(
    (vm) =>
      own(config, vm) &&
      vm.zone === disk.zone &&
      disk.name === homeDiskName(vm.name) &&
      disk.attachedTo.includes(vm.name),
  );
  return ours(config, disk) || (disk.fleet === config.fleet && isAttached);
}

/** The existing home disks, by VM name, as the provider's ids: the program adopts them and does not create them again. */
export function existingHomeDisks(config: Fleet, { vms, disks }: Inventory): Record<string, string> {
  return Object.fromEntries(
    config.vms.flatMap(({ name, zone }) => {
      const disk = homeDiskName(name);
      return disks.some((one) => one.name === disk && one.zone === zone && isOurDisk(config, one, vms))
        ? [[name, `projects/${config.project}/zones/${zone}/disks/${disk}`]]
        : [];
    }),
  );
}

/** A stack's network, schedules and disks are of one region. Moved to another one, an update would fail in the middle. */
function checkRegion({ region, ...config }: Fleet, present: readonly PresentVm[]): string[] {
  const outside = present.filter((vm) => own(config, vm) && !vm.zone.startsWith(`${region}-`));
  if (outside.length === 0) return [];
  const zones = [...new Set(outside.map(({ zone }) => zone))].join(" and ");
  const names = firstOf(outside.map(({ name }) => name));
  return [
    `gcp:region: is ${region}, and ${names} ${outside.length === 1 ? "is" : "are"} in ${zones}; a stack keeps its region, make a new stack (docs/scale.md)`,
  ];
}

function checkDisk(
  at: string,
  config: Fleet,
  { name, zone, homeDisk }: VmConfig,
  vm: PresentVm | undefined,
  { vms, disks }: Inventory,
  replaced: boolean,
): Partial<Findings> {
  const called = homeDiskName(name);
  if (homeDisk === undefined) {
    const detaches = vm?.running === true && disks.some((one) => one.name === called && one.attachedTo.includes(name));
    const stop = `gcloud compute instances stop ${name} --zone=${vm?.zone ?? zone}`;
    const why = `without it ${called} would be detached while ${name} runs and people use it`;
    return detaches && !replaced ? { mistakes: [`${at}: ${why}; keep it, or stop the VM first: ${stop}`] } : {};
  }
  const disk = disks.find((one) => one.name === called && one.zone === zone && isOurDisk(config, one, vms));
  const left = disks.find((one) => one.name === called && one.zone !== zone && isOurDisk(config, one, vms));
  return {
    mistakes: [
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
      disk === undefined && left
        ? [
            `${called} stays in ${left.zone}, and ${name} gets an empty disk; to keep the home, create ${called} in ${zone} from a snapshot first`,
          ]
        : [],
  };
}

/**
 * Compute's names are unique in a zone, across stacks and fleets. All names that the same stack or fleet has taken are one line, since a
 * renamed stack or fleet takes all of them.
 */
function takenNames(config: Fleet, { vms, disks }: Inventory): string[] {
  const lines = new Map<string, { at: string; names: string[]; hint: string }>();
  const check = <P extends PresentVm | PresentDisk>(
    at: string,
    name: string,
    zone: string,
    present: readonly P[],
    isOurs: (one: P) => boolean,
  ) => {
    const rival = present.find((one) => one.name === name && one.zone === zone && !isOurs(one));
    if (rival === undefined) return;
    const whose = `already in ${zone}, of fleet ${rival.fleet}, stack ${rival.stack}`;
    const line = lines.get(whose) ?? { at, names: [], hint: renameHint(config, rival) };
    lines.set(whose, { ...line, names: [...line.names, name] });
  };
  for (const [index, { name, zone, homeDisk }] of config.vms.entries()) {
    check(`vms[${index}].name`, name, zone, vms, (vm) => ours(config, vm));
    if (homeDisk !== undefined)
      check(`vms[${index}].homeDisk`, homeDiskName(name), zone, disks, (disk) => isOurDisk(config, disk, vms));
  }
  return [...lines].map(
    ([whose, { at, names, hint }]) =>
      `${at}: ${firstOf(names)} ${names.length === 1 ? "is" : "are"} there ${whose}; ${hint}`,
  );
}

/** A fleet and a stack must keep their names, because labels, approvals and accounts contain them. */
function renameHint(config: Fleet, rival: PresentVm | PresentDisk): string {
  const back =
    rival.fleet === config.fleet
      ? `if this stack was called ${rival.stack} before, run pulumi stack rename ${rival.stack}`
      : `if this fleet was called ${rival.fleet} before, run pulumi config set nixos-fleet:fleet ${rival.fleet}`;
  const isDisk = "attachedTo" in rival && rival.fleet === config.fleet;
  const label = `gcloud compute disks add-labels ${rival.name} --zone=${rival.zone} --labels=${contract.labels.stack}=${config.stack}`;
  return `choose another name, or, ${back}${isDisk ? `, or, if it came with its VM from stack ${rival.stack}, ${label}` : ""}`;
}
