/** Jobs that people left on a terminal, as in tmux or screen: after a logout no session shows them, and a reboot would end them. Pure. */
import type { ProcessStat } from "../text/process-stat";

/** A process and its owner. */
type Process = Pick<ProcessStat, "name" | "terminal"> & { uid: number };

/** The major numbers of Unix98 pseudo-terminals (Linux, Documentation/admin-guide/devices.txt). */
const isPseudoTerminal = (major: number) => major >= 136 && major <= 143;
/** NixOS gives people user ids from 1000 on; 65534 stands for owners without an id here. */
const isPerson = (uid: number) => uid >= 1000 && uid !== 65534;

/**
 * The user ids of people with a job on a pseudo-terminal; what they started as root is theirs too.
 * @param shells the names of shells: one that is alone on its terminal waits for a command, and is no job
 */
export function peopleWithJobs(processes: readonly Process[], shells: readonly string[]): number[] {
  const terminals = new Map<number, { people: number[]; names: string[] }>();
  for (const { uid, name, terminal } of processes) {
    if (!isPseudoTerminal((terminal >> 8) & 0xfff)) continue;
    const { people, names } = terminals.get(terminal) ?? { people: [], names: [] };
    terminals.set(terminal, { people: isPerson(uid) ? [...people, uid] : people, names: [...names, name] });
  }
  const busy = [...terminals.values()].filter(
    ({ names: [first = "", ...others] }) => others.length > 0 || !shells.includes(first),
  );
  return [...new Set(busy.flatMap(({ people }) => people))];
}
