/** What it takes to remove a VM from a fleet, and what is left to do by hand. Pure. */
import { HOME_DEVICE, short } from "../rules/contract";
import type { Control } from "../rules/rollout/control-item";
import { own } from "../rules/text/json";
import { holdText } from "../rules/text/sentences";
import { oneLine, plural } from "../rules/text/text";
import type { FleetVm } from "./fleet";
import type { AttachedDisk } from "./google/compute";

/** What is known of a VM that is to go. */
export interface RemovalFacts {
  vm: Pick<FleetVm, "name" | "state" | "owner" | "wave" | "host" | "homes">;
  disks: readonly AttachedDisk[];
  deletionProtection: boolean;
  control: Control;
  /** Names of the other VMs of its wave. */
  waveMates: readonly string[];
  /** The stack's settings file, as a path to show and its text; undefined if there is none. */
  settings?: { path: string; text: string } | undefined;
  /** Where the stack keeps snapshots, if it says so. */
  location?: string | undefined;
  now: Date;
}

/** What the command does, what stays, and what is left to do. */
export interface Removal {
  /** Whether the VM is to be stopped. */
  stops: boolean;
  /** The disk of which a last snapshot is taken, with the snapshot's name. */
  snapshot: { disk: string; name: string; holdsHomes: boolean; location?: string } | undefined;
  /** Pins and holds of this VM, in words. */
  control: string[];
  kept: string[];
  /** What a person does next, in order. */
  next: string[];
  /** What else a person should know. */
  warnings: string[];
}

/** @param takesSnapshot false if no snapshot is wanted */
export function planRemoval(facts: RemovalFacts, takesSnapshot: boolean): Removal {
  const { vm, disks, control, waveMates, location, now } = facts;
  const homeDisk = disks.find(({ device, boot }) => device === HOME_DEVICE && !boot);
  const last = homeDisk ?? disks.find(({ boot }) => boot);
  const stamp = now.toISOString().slice(0, 16).replace(/\D/g, "");
  const snapshot =
    takesSnapshot && last !== undefined
      ? {
          ...{ disk: last.name, name: snapshotName(last.name, stamp), holdsHomes: homeDisk !== undefined },
          ...(location === undefined ? {} : { location }),
        }
      : undefined;
  const pin = own(control.pins, vm.name);
  const holds = control.holds.filter(({ scope }) => scope === `vm:${vm.name}`);
  const homesGo = homeDisk === undefined && snapshot === undefined;
  return {
    stops: vm.state !== "TERMINATED",
    snapshot,
    control: [...(pin === undefined ? [] : [`its pin to ${short(pin)}`]), ...holds.map((hold) => holdText(hold))],
    kept: [
      ...(homeDisk === undefined ? [] : [`home disk ${homeDisk.name}`]),
      "all snapshots",
      `${vm.host} in the config repository${vm.homes.length === 0 ? "" : `, and the homes of ${vm.homes.map(({ user }) => user).join(", ")} there`}`,
    ],
    next: nextSteps(facts, homeDisk),
    warnings: [
      ...(homesGo ? ["its homes are on the boot disk, which goes with the VM: without a snapshot they are lost"] : []),
      ...(vm.wave !== null && waveMates.length === 0
        ? [`it is the last VM of wave ${vm.wave}: remove the wave too, or move another VM there`]
        : []),
    ],
  };
}

function nextSteps(facts: RemovalFacts, homeDisk: AttachedDisk | undefined): string[] {
  const { vm, deletionProtection, settings } = facts;
  const where = settings?.path ?? "the stack's settings";
  const lines = settings === undefined ? [] : mentions(settings.text, vm.name);
  const named = lines.map(({ number, text }) => `${where}:${number}: ${text}`);
  const file = settingOf(settings?.text, "vmsFile");
  // The fleet's setting overrides the VM's own.
  const isProtected = settingOf(settings?.text, "protect") === "true";
  const protections = [
    ...(deletionProtection ? [`in ${file ?? where} set deletionProtection: false on ${vm.name}`] : []),
    ...(isProtected ? [`in ${where} set nixos-fleet:protect to false until the VM is gone`] : []),
  ];
  const refusing = [...(isProtected ? ["Pulumi"] : []), ...(deletionProtection ? ["Compute"] : [])].join(" and ");
  const removed = "the VM, its boot disk and the roles that people have on it";
  return [
    ...(protections.length === 0
      ? []
      : [
          `${protections.join(", ")}, and run pulumi up: until then ${refusing} ${protections.length > 1 ? "refuse" : "refuses"} to delete it`,
        ]),
    removalFromLists(vm.name, where, file, named),
    `run pulumi up: it deletes ${removed}${homeDisk === undefined ? "" : `, and keeps ${homeDisk.name}`}`,
    ...(homeDisk === undefined
      ? []
      : [`when no one needs the home any more: gcloud compute disks delete ${homeDisk.name} (docs/leavers.md)`]),
  ];
}

/** @param file what vmsFile names @param named the lines of the settings that name the VM */
function removalFromLists(name: string, where: string, file: string | undefined, named: readonly string[]): string {
  if (file !== undefined) return `remove ${name} from ${[`${file}, and push that repository`, ...named].join("; ")}`;
  return named.length === 0
    ? `remove ${name} from nixos-fleet:vms in ${where}, and from every other setting that names it`
    : `remove ${name} from ${named.join("; ")}`;
}

/** The value of a plain key of the settings. */
function settingOf(text: string | undefined, key: string): string | undefined {
  const [, value] = new RegExp(`^ +["']?nixos-fleet:${key}["']?: +(.+?)(?: +#.*)?$`, "m").exec(text ?? "") ?? [];
  return value?.replace(/^(["'])(.*)\1$/, "$2");
}

/** Lines that name a VM as a word of its own, apart from comments. */
function mentions(text: string, name: string): { number: number; text: string }[] {
  const word = new RegExp(`(?<![\\w.-])${name}(?![\\w-])`);
  return text.split("\n").flatMap((line, index) => {
    const code = line.replace(/(^|\s)#.*$/, "");
    return word.test(code) ? [{ number: index + 1, text: oneLine(code.trim(), 80) }] : [];
  });
}

/** A name that Compute takes, also of a disk whose name is as long as a name may be. */
function snapshotName(disk: string, stamp: string): string {
  return `${disk.slice(0, 62 - stamp.length).replace(/-+$/, "")}-${stamp}`;
}

/** The plan in lines: what happens now, what stays, and what comes next. */
export function removalLines({ vm }: Pick<RemovalFacts, "vm">, removal: Removal): string[] {
  const { stops, snapshot, control, kept, next, warnings } = removal;
  const who = [vm.owner ?? [], vm.wave === null ? [] : `wave ${vm.wave}`].flat().join(", ");
  const now = [
    stops ? "stop it: from then on no one can log in to it" : "it is stopped already: no one can log in to it",
    snapshot === undefined
      ? "no snapshot"
      : `take the snapshot ${snapshot.name} of ${snapshot.disk}${snapshot.holdsHomes ? "" : ", its boot disk, where its homes are"}${snapshot.location === undefined ? "" : `, to keep in ${snapshot.location}`}`,
    control.length === 0
      ? "nothing in the control item is about it"
      : `remove from the control item: ${control.join("; ")}`,
  ];
  const below = (lines: readonly string[]) => lines.map((line) => `  ${oneLine(line, 600)}`);
  return [
    oneLine(`remove ${vm.name}${who === "" ? "" : ` (${who})`}`),
    "now:",
    ...below(now),
    "stays:",
    ...below(kept),
    ...(warnings.length === 0 ? [] : ["note:", ...below(warnings)]),
    `then, ${plural(next.length, "step")} for you:`,
    ...below(next.map((line, index) => `${index + 1}. ${line}`)),
  ];
}
