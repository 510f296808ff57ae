/** Processes that a test ends. */
import { readdirSync, readFileSync } from "node:fs";

/** To a process and all of its group. */
export function signal({ pid }: { pid?: number | undefined }, name: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, name);
}

/** Kills the gates that ask an endpoint, as the kernel does where memory is short; whether there were any. */
export function killGate(endpoint: string): boolean {
  const gates = readdirSync("/proc").filter(
    (pid) =>
      /^\d+$/.test(pid) &&
      /\bfleet\.[jt]s\0await/.test(read(pid, "cmdline")) &&
      read(pid, "environ").includes(endpoint),
  );
  for (const pid of gates) process.kill(Number(pid), "SIGKILL");
  return gates.length > 0;
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
