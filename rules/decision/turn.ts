/**
 * How the VMs of a wave with `maxParallel` activate a revision one part after the other. No one hands turns out: each VM computes its own from
 * its name and the revision, so that parts have about the wanted size and no VM waits for another. Pure.
 */
import { evenHash } from "./even-hash";

/** Seconds of a turn: an activation with its look at health takes about one minute where it is built already. */
export const TURN_SECONDS = 120;

/** How many turns a wave takes. */
export function turnsOf(vms: number, maxParallel: number | undefined): number {
  return maxParallel === undefined ? 1 : Math.max(1, Math.ceil(vms / maxParallel));
}

/** A VM's turn, the first being 0. Another revision gives another one: it is not always the same VMs that come last. */
export function turnOf(vm: string, revision: string, turns: number): number {
  return evenHash(`${vm} ${revision}`) % Math.max(1, Math.floor(turns));
}

interface TurnInput {
  vm: string;
  revision: string;
  turns: number;
  /** Milliseconds of a turn. */
  length: number;
  /** When this VM first was ready to activate the revision. */
  since: Date;
  now: Date;
}

/** When the VM's turn comes; undefined where it has come. */
export function waitsForTurn({ vm, revision, turns, length, since, now }: TurnInput): Date | undefined {
  const comes = since.getTime() + turnOf(vm, revision, turns) * length;
  return comes <= now.getTime() ? undefined : new Date(comes);
}
