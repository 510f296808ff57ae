/** The processes of this machine. */
import { readFileSync, statSync } from "node:fs";
import { parseProcessStat, type ProcessStat } from "../../rules/text/process-stat";
import { entries, readText } from "./files";

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

/** The real user of a process, whatever the process runs as; undefined if it has ended. */
export function realUser(pid: number): number | undefined {
  const uid = /^Uid:\t(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** @throws if the process has ended */
export function processStat(pid: number): ProcessStat {
  return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
}
