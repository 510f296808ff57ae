/** Which VM belongs to which wave. Pure. */
import { createHash } from "node:crypto";
import { own } from "../text/json";
import { firstOf } from "../text/text";

/** How many VMs a line names at most. */
const NAMED = 5;

/** A wave as people write it, with one of the four ways to choose its members. */
export interface WrittenWave {
  name: string;
  /** VMs by name. */
  vms?: string[] | undefined;
  /** VMs that carry all of these labels. */
  labels?: Record<string, string> | undefined;
  /** The percentage of the VMs that no name, label or earlier share puts into a wave. */
  share?: number | undefined;
  /** All VMs that are in no other wave. */
  rest?: true | undefined;
}

/** A wave with its members, in the order in which waves are approved. Times are in seconds. */
export interface Wave {
  name: string;
  vms: string[];
  /** How many VMs must prove a revision before later waves get it. */
  minSucceeded: number;
  /** A number of VMs, or a share such as `10%`. */
  maxFailures: number | string;
  timeout: number;
  /** How long the wave must run the revision before the next wave is approved. */
  pause: number;
  onFailure: "hold" | "rollback" | "continue";
  /** Whether a home's failure counts as its VM's failure. */
  homes: "gate" | "report";
  /** Whether VMs reboot by themselves if an update needs it, within their window. */
  reboot?: "required" | undefined;
  /** How long such a reboot waits for logged-in users; absent means without limit. */
  rebootDeadline?: number | undefined;
  /** About how many VMs activate a revision at once; absent means all of them. */
  maxParallel?: number | undefined;
  /** How many SSH triggers run at once; absent means as many as the engine runs. */
  parallel?: number | undefined;
}

interface Member {
  name: string;
  labels: Record<string, string>;
}

type Membership = "vms" | "labels" | "share" | "rest";
const ways: readonly Membership[] = ["vms", "labels", "share", "rest"];

interface Assignment<W extends WrittenWave> {
  /** The waves with all their other settings. */
  waves: (Omit<W, Membership> & { vms: string[] })[];
  /** VM → wave. */
  waveOf: Record<string, string>;
  mistakes: string[];
}

/**
 * Assigns each VM to its wave: first by name, then by label (the earlier wave if several fit), then by share, then the rest. Every VM must
 * be in exactly one wave, and every wave must have a VM. Without VMs there are no waves.
 */
export function assignWaves<W extends WrittenWave>(written: readonly W[], vms: readonly Member[]): Assignment<W> {
  if (vms.length === 0) return { waves: [], waveOf: {}, mistakes: [] };
  const mistakes = written.flatMap((wave, index) => nameMistakes(wave, index, written));
  const waveOf: Record<string, string> = {};
  const left = () => vms.filter(({ name }) => own(waveOf, name) === undefined);

  written.forEach((wave, index) => {
    for (const name of wave.vms ?? []) {
      const other = own(waveOf, name);
      const path = `waves[${index}].vms`;
      if (!vms.some((vm) => vm.name === name)) mistakes.push(`${path}: "${name}" is not a VM of this fleet`);
      else if (other !== undefined) mistakes.push(`${path}: "${name}" is in wave "${other}" already`);
      waveOf[name] = wave.name;
    }
  });
  for (const { name, labels } of written)
    if (labels !== undefined) for (const vm of left()) if (carries(vm.labels, labels)) waveOf[vm.name] = name;
  for (const [vm, wave] of shared(
    written,
    left().map(({ name }) => name),
  ))
    waveOf[vm] = wave;
  const taker = written.find(({ rest }) => rest);
  const strays = left().map(({ name }) => name);
  for (const name of strays) if (taker) waveOf[name] = taker.name;
  if (!taker && strays.length > 0) {
    const quoted = strays.map((name) => `"${name}"`);
    const [verb, them] = strays.length === 1 ? ["is", "it"] : ["are", "them"];
    mistakes.push(
      `waves: ${firstOf(quoted, NAMED)} ${verb} in no wave; name ${them} in one, or give one wave rest: true`,
    );
  }

  const waves = written.map(({ vms: _vms, labels: _labels, share: _share, rest: _rest, ...wave }) => ({
    ...wave,
    vms: vms.filter(({ name }) => own(waveOf, name) === wave.name).map(({ name }) => name),
  }));
  waves.forEach(({ name, vms: members }, index) => {
    // A wave that names unknown VMs, or that is listed twice, already has its line.
    const hasMistake =
      (written[index]?.vms ?? []).length > 0 || mistakes.some((line) => line.startsWith(`waves[${index}]`));
    if (members.length === 0 && !hasMistake)
      mistakes.push(`waves[${index}]: "${name}" has no VM; give it one or remove it`);
  });
  return { waves, waveOf, mistakes };
}

function nameMistakes(wave: WrittenWave, index: number, all: readonly WrittenWave[]): string[] {
  const path = `waves[${index}]`;
  const given = ways.filter((way) => wave[way] !== undefined);
  const takers = all.filter(({ rest }) => rest);
  return [
    ...(all.findIndex(({ name }) => name === wave.name) === index
      ? []
      : [`${path}.name: "${wave.name}" is used twice; names of waves are unique`]),
    ...(given.length === 1
      ? []
      : [
          `${path}: "${wave.name}" must have one of vms (names), labels, share and rest: true` +
            (given.length === 0 ? "" : `, not ${given.join(" and ")}`),
        ]),
    ...(wave.rest && takers.length > 1 && wave === takers[0]
      ? [`waves: only one wave may have rest: true, not ${takers.map(({ name }) => `"${name}"`).join(" and ")}`]
      : []),
  ];
}

/** Whether a VM has all the labels that are wanted. */
export function carries(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => own(labels, key) === value);
}

/**
 * The members of the waves that are shares. Each VM has a place between 0 and 1, computed from its name alone. Each share takes a part of
 * the interval that the shares before it left. So a VM stays in its wave when other VMs come or go, and when waves are renamed. If no VM's
 * place is in a share, the share takes the VM with the lowest place, since a wave without a VM would prove nothing.
 */
function shared(written: readonly WrittenWave[], names: readonly string[]): [vm: string, wave: string][] {
  let left = names.map((name) => ({ name, place: placeOf(name) })).sort((a, b) => a.place - b.place);
  let end = 0;
  return written.flatMap(({ name, share }) => {
    if (share === undefined) return [];
    end += (1 - end) * (share / 100);
    const within = left.filter(({ place }) => place < end);
    const members = within.length > 0 ? within : left.slice(0, 1);
    left = left.slice(members.length);
    return members.map((vm): [string, string] => [vm.name, name]);
  });
}

/** A name's place in [0, 1), spread evenly: the first 32 bits of its SHA-256. */
export function placeOf(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE(0) / 2 ** 32;
}
