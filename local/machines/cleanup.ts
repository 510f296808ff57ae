/**
 * Removes what a cloud left running on the host: its machines' processes, its network namespaces and links, its control groups. The disks
 * and everything else under the state directory stay.
 */
import { removeGroup } from "./cgroup";
import type { CloudNames } from "./names";
import { namespaces, removeNamespace } from "./namespaces";

/** Removes what is left of a cloud whose daemon is gone. Does nothing if nothing is left. */
export async function cleanUp(cloud: CloudNames): Promise<void> {
  await removeGroup(cloud.cgroup);
  const ours = (name: string) => name === cloud.namespace || name.startsWith(`${cloud.namespace}-`);
  for (const namespace of namespaces(ours)) await removeNamespace(namespace);
}
