/**
 * Removes what a cloud left running on the host: its machines' processes, its network namespaces and links, its control groups. Their disks
 * and all else under its state directory stay. As a program: `node --require tsx/cjs local/machines/cleanup.ts STATE`.
 */
import { removeGroup } from "./cgroup";
import { type CloudNames, cloudNames } from "./names";
import { namespaces, removeNamespace } from "./namespaces";

/** Removes what is left of a cloud whose daemon is gone; nothing happens if nothing is. */
export async function cleanUp(cloud: CloudNames): Promise<void> {
  await removeGroup(cloud.cgroup);
  const ours = (name: string) => name === cloud.namespace || name.startsWith(`${cloud.namespace}-`);
  for (const namespace of namespaces(ours)) await removeNamespace(namespace);
}

async function main(): Promise<void> {
  const [state, ...others] = process.argv.slice(2);
  if (state === undefined || others.length > 0) throw new Error("usage: cleanup.ts STATE");
  await cleanUp(cloudNames(state));
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
