/** CPU that this process' children have used, with theirs. */
import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second on every architecture that Node runs on. */
const ticks = 100;

/** Seconds, user and system, of all children that have ended so far, and of what they waited for in turn. */
export function childrenCpu(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  // The program's name, in parentheses, may contain anything. After it the third field counts as the first: cutime and cstime are the 16th and 17th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / ticks;
}
