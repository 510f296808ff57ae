/** Named network namespaces, as `ip netns` keeps them. */
import { existsSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./command";

const directory = "/run/netns";

/** Milliseconds that killed processes may take to disappear. */
const killLimit = 10_000;

/** The path by which a namespace can be entered. */
export function namespacePath(namespace: string): string {
  return `${directory}/${namespace}`;
}

/** Whether there is a namespace of that name. */
export function hasNamespace(namespace: string): boolean {
  return existsSync(namespacePath(namespace));
}

/** The names of all namespaces that a test accepts. */
export function namespaces(accept: (name: string) => boolean): string[] {
  return existsSync(directory) ? readdirSync(directory).filter(accept) : [];
}

/** Runs `ip` commands in a namespace, all in one process; an error names the refused line. */
export async function ip(namespace: string, commands: readonly string[]): Promise<void> {
  await run(["ip", "-n", namespace, "-batch", "-"], commands.join("\n") + "\n");
}

/** Makes a namespace. Does nothing if it exists. */
export async function addNamespace(namespace: string): Promise<void> {
  if (!hasNamespace(namespace)) await run(["ip", "netns", "add", namespace]);
  await ip(namespace, ["link set lo up"]);
}

/** The processes in a namespace. */
function processesIn(namespace: string): number[] {
  const wanted = `net:[${statSync(namespacePath(namespace)).ino}]`;
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && networkOf(entry) === wanted)
    .map(Number);
}

/** The network namespace of a process, as `/proc` writes it; a process may end meanwhile. */
function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Ends all processes in a namespace at once, and removes the namespace with its links. Does nothing if there is none. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (!hasNamespace(namespace)) return;
  const end = Date.now() + killLimit;
  for (let processes = processesIn(namespace); processes.length > 0; processes = processesIn(namespace)) {
    if (Date.now() > end)
      throw new Error(`processes in network namespace ${namespace} do not end: ${processes.join(" ")}`);
    for (const pid of processes) kill(pid);
    await sleep(10);
  }
  await run(["ip", "netns", "delete", namespace]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
