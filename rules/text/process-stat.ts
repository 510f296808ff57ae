/** `/proc/PID/stat`, as proc(5) describes it. Pure. */

/** The fields that are read here; NaN for those that a cut text does not have. */
export interface ProcessStat {
  /** The program's, cut at 15 characters. It may contain anything, also spaces and parentheses. */
  name: string;
  /** Field 4: the process that started it, or that took over from one that has ended. */
  parent: number;
  /** Field 7: the device of the controlling terminal; 0 if there is none. */
  terminal: number;
  /** Field 22: clock ticks from the kernel's boot to the process's start, 100 a second on Linux. */
  startTicks: number;
}

export function parseProcessStat(text: string): ProcessStat {
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3] ?? NaN);
  return {
    name: text.slice(text.indexOf("(") + 1, end),
    parent: field(4),
    terminal: field(7),
    startTicks: field(22),
  };
}
