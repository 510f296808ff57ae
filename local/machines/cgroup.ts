/**
 * Control groups. Each machine runs in its own group. Otherwise its systemd would share the host's tree with the other machines. The group
 * also makes it possible to find and end processes that escape from a machine's process tree.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long killed processes may take to disappear, in milliseconds. */
const killLimit = 10_000;

/** Where the host has the cgroup2 hierarchy. It is not at the top if version 1 is in use beside it. */
function cgroupRoot(): string {
  const mount = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2");
  if (mount?.[1] === undefined) throw new Error("no cgroup2 hierarchy is mounted on this host; machines need one");
  return mount[1];
}

/** Makes a group; returns its absolute path. */
export function makeGroup(group: string): string {
  const directory = path.join(cgroupRoot(), group);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** The groups below a directory and the directory itself, innermost first. They may disappear at any time. */
function subtree(directory: string): string[] {
  const children = attempt(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  return [
    ...children.filter((child) => child.isDirectory()).flatMap((child) => subtree(path.join(directory, child.name))),
    directory,
  ];
}

/** The processes of a group and of the groups in it, by the host's process ids; none if there is no such group. */
export function processesOf(group: string): number[] {
  return subtree(path.join(cgroupRoot(), group)).flatMap((directory) =>
    (attempt(() => readFileSync(path.join(directory, "cgroup.procs"), "utf8")) ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map(Number),
  );
}

/** The absolute path of the group that a process is in. */
export function groupOf(pid: number): string {
  const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
  if (group === undefined) throw new Error(`process ${pid} is in no cgroup2 group`);
  return path.join(cgroupRoot(), group);
}

/** Ends all processes in a group at once and removes the group. Does nothing if there is no group. */
export async function removeGroup(group: string): Promise<void> {
  const directory = path.join(cgroupRoot(), group);
  const end = Date.now() + killLimit;
  while (existsSync(directory)) {
    if (processesOf(group).length > 0) writeFileSync(path.join(directory, "cgroup.kill"), "1");
    for (const each of subtree(directory)) attempt(() => rmdirSync(each));
    if (!existsSync(directory)) return;
    if (Date.now() > end) throw new Error(`processes in ${directory} do not end: ${processesOf(group).join(" ")}`);
    await sleep(10);
  }
}

/** Reading a group's files may fail while processes come and go. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
