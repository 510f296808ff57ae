/**
 * How the VMs of a wave with `maxParallel` activate a revision in parts, one part after the other. There is no central scheduler: each VM
 * computes its turn from its name and the revision. So parts have about the right size or less and no VM waits for another. Pure.
 */
import { evenHash } from "./even-hash";

/** Seconds of a turn: an activation with its health check takes about one minute if the system is built already. */
export const TURN_SECONDS = 120;

/**
 * How many turns a wave takes: a power of two, so that the number changes only when the wave doubles. Each VM's metadata has the number, and
 * one more VM must not change the metadata of all.
 */
export function turnsOf(vms: number, maxParallel: number | undefined): number {
  return maxParallel === undefined ? 1 : 2 ** Math.max(0, Math.ceil(Math.log2(vms / maxParallel)));
}

/** A VM's turn, counted from 0. Each revision gives other turns, so it is not always the same VMs that come last. */
export function turnOf(vm: string, revision: string, turns: number): number {
  return evenHash(`${vm} ${revision}`) % Math.max(1, Math.floor(turns));
}

interface TurnInput {
  vm: string;
  revision: string;
  turns: number;
  /** Milliseconds of a turn. */
  length: number;
  /** When this VM was first ready to activate the revision. */
  since: Date;
  now: Date;
}

/** When the VM's turn comes; undefined if it has come. */
export function waitsForTurn({ vm, revision, turns, length, since, now }: TurnInput): Date | undefined {
  const comes = since.getTime() + turnOf(vm, revision, turns) * length;
  return comes <= now.getTime() ? undefined : new Date(comes);
}
