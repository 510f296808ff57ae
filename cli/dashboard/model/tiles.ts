/** The VMs as tiles, and which of them a filter keeps. Pure. */
import type { Drift } from "../../../rules/contract";
import type { VmStatus } from "../../status/status";
import { driftOrder, groups } from "./states";
import { ago, revisionLabel } from "./text";
import { driftWord } from "../../../rules/text/sentences";

/** A home whose state is worth a word on its VM's tile. */
export interface HomeLabel {
  user: string;
  drift: Drift;
  text: string;
}

export interface Tile {
  name: string;
  drift: Drift;
  wave: string;
  owner: string;
  current: string;
  /** Empty if the VM runs what it should. */
  desired: string;
  age: string;
  homes: HomeLabel[];
  /** In one line; empty if there is nothing to say. */
  why: string;
}

interface Group {
  name: string;
  tiles: Tile[];
}

/** What the person asked to see. */
export interface Filter {
  /** Words that a VM's name, owner, wave, revision, home or reason must all have. */
  text: string;
  /** Every state by default. */
  drift: Drift | "homes" | "";
  wave: string;
}

export const noFilter: Filter = { text: "", drift: "", wave: "" };

const isFine = (drift: Drift) => ["none", "stopped", "waiting"].includes(drift);

export function tileOf(vm: VmStatus, now: number): Tile {
  const current = revisionLabel(vm.system?.revision);
  const wanted = revisionLabel(vm.wanted);
  return {
    name: vm.name,
    drift: vm.drift,
    wave: vm.wave ?? "",
    owner: vm.owner ?? "",
    current,
    desired: vm.wanted === null || vm.drift === "none" || wanted === current ? "" : wanted,
    age: ago(vm.system?.at, now),
    homes: Object.entries(vm.homeDrift).map(([user, { drift }]) => ({
      user,
      drift,
      text: drift === "none" ? revisionLabel(vm.homes[user]?.revision) : driftWord[drift],
    })),
    why: vm.reason ?? Object.values(vm.homeDrift).find(({ drift }) => !isFine(drift))?.reason ?? "",
  };
}

/** Whether a VM is among those that the filter keeps. */
export function keeps({ text, drift, wave }: Filter, vm: VmStatus): boolean {
  if (wave !== "" && vm.wave !== wave) return false;
  if (drift === "homes" && !hasHomeTrouble(vm)) return false;
  if (drift !== "" && drift !== "homes" && vm.drift !== drift) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const homes = Object.entries(vm.homeDrift).flatMap(([user, home]) => [user, home.reason ?? ""]);
  const written = [vm.name, vm.owner, vm.wave, vm.zone, vm.state, vm.reason, vm.wanted, vm.system?.revision, ...homes]
    .join(" ")
    .toLowerCase();
  return words.every((word) => written.includes(word));
}

export function hasHomeTrouble(vm: VmStatus): boolean {
  return Object.values(vm.homeDrift).some(({ drift }) => !isFine(drift));
}

/** The tiles in their groups, what needs a person first; groups without a VM are left out. */
export function grouped(tiles: readonly Tile[]): Group[] {
  const place = (tile: Tile) => driftOrder.indexOf(tile.drift);
  return groups.flatMap(({ name, drifts }) => {
    const own = tiles.filter(({ drift }) => drifts.includes(drift));
    return own.length === 0
      ? []
      : [{ name, tiles: own.sort((a, b) => place(a) - place(b) || (a.name < b.name ? -1 : 1)) }];
  });
}

/** How many VMs are in each state, in the order of urgency; states without a VM are left out. */
export function driftCounts(vms: readonly Pick<VmStatus, "drift">[]): { drift: Drift; count: number }[] {
  const counts = new Map<Drift, number>();
  for (const { drift } of vms) counts.set(drift, (counts.get(drift) ?? 0) + 1);
  return driftOrder.flatMap((drift) => {
    const number = counts.get(drift);
    return number === undefined ? [] : [{ drift, count: number }];
  });
}
