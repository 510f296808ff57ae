/** A cloud's network and machines, from their state directory: the local cloud's daemon opens them at its start. */
import { mkdir } from "node:fs/promises";
import { removeGroup } from "./cgroup";
import { cleanUp } from "./cleanup";
import type { Machines, Network, Trusted } from "./driver";
import { raiseInotifyLimit } from "./inotify";
import { cloudNames } from "./names";
import { openNetwork } from "./network";
import { NspawnMachines } from "./nspawn";

/** What a cloud's machines run on. */
export interface Cloud {
  machines: Machines;
  network: Network;
  /** Cuts the machines' power, then removes everything that the cloud has on the host; disks stay. */
  close(): Promise<void>;
}

/**
 * Opens the cloud of a state directory, with nothing running in it: leftovers of a killed daemon are ended first. `image` is the path that
 * `local/image/build` printed. Only one process may have a cloud open; two would end each other's machines.
 */
export async function openCloud(state: string, image: string, trusted?: Trusted): Promise<Cloud> {
  await mkdir(state, { recursive: true });
  const names = cloudNames(state);
  raiseInotifyLimit();
  await cleanUp(names);
  const network = await openNetwork(names);
  const machines = new NspawnMachines(names, image, trusted);
  return {
    machines,
    network,
    async close() {
      await machines.close();
      await network.close();
      await removeGroup(names.cgroup);
    },
  };
}
