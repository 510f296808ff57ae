/** The names of a cloud's objects on the host. All derive from its state directory, so that they can be found again. */
import { createHash } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";

/** What belongs to one cloud, by name. */
export interface CloudNames {
  /** 8 hex digits. */
  id: string;
  /** The network namespace that holds the bridge, the metadata server and the git server. */
  namespace: string;
  /** The control group, relative to the mount of cgroup2, under which its machines run. */
  cgroup: string;
  /** The directory that contains a directory for each machine's disk. */
  machines: string;
}

/** What belongs to one machine, by name. */
export interface MachineNames {
  /** The network namespace. */
  namespace: string;
  /** The bridge's end of its cable; at most 15 characters, the kernel's limit. */
  link: string;
  /** Relative to the mount of cgroup2. */
  cgroup: string;
  /** The directory with its disk and its serial output. */
  directory: string;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** The real path of a directory that may already be deleted. */
function realPath(directory: string): string {
  const absolute = path.resolve(directory);
  if (existsSync(absolute)) return realpathSync(absolute);
  return path.join(realPath(path.dirname(absolute)), path.basename(absolute));
}

/** The names of the cloud whose state is in a directory. */
export function cloudNames(state: string): CloudNames {
  const directory = realPath(state);
  const id = digest(directory);
  return {
    id,
    namespace: `nf-${id}`,
    cgroup: `nixos-fleet-${id}`,
    machines: path.join(directory, "machines"),
  };
}

/** The names of a cloud's machine. */
export function machineNames(cloud: CloudNames, name: string): MachineNames {
  const id = digest(name);
  return {
    namespace: `${cloud.namespace}-${id}`,
    link: `vm${id}`,
    cgroup: path.join(cloud.cgroup, id),
    directory: path.join(cloud.machines, name),
  };
}
