/** The processes of this machine. */
import { readFileSync, statSync } from "node:fs";
import { parseProcessStat, type ProcessStat } from "../../rules/text/process-stat";
import { entries } from "./files";

/** What `read` says of each process, by its id and its owner's; nothing of those that it leaves out or that end meanwhile. */
export function processes<T>(read: (pid: number, uid: number) => T | undefined): T[] {
  return (entries("/proc") ?? []).flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return read(Number(name), statSync(`/proc/${name}`).uid) ?? [];
    } catch {
      return [];
    }
  });
}

/** @throws if the process has ended */
export function processStat(pid: number): ProcessStat {
  return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
}
