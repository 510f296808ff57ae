/**
 * Which processes of users a switch waits for. switch-to-configuration-ng starts itself once for each user's manager, as a process of
 * theirs. Such a process belongs to its user, who can change its environment, its command line, its process group and its session. Only
 * what they cannot change counts: whose child it is, and who started it. Pure.
 */

export interface RunningProcess {
  pid: number;
  /** The process that started it; another one takes over only when that one has ended. */
  parent: number;
  /** The real user. A program with the set-uid bit changes the effective one, and who owns the process's folder in /proc. */
  uid: number;
  /** When it started: an id may be given to another process later. */
  startTicks: number;
}

/** The processes that descend from one, and that one itself. */
export function descendants<T extends Pick<RunningProcess, "pid" | "parent">>(root: number, all: readonly T[]): T[] {
  const within = new Set([root]);
  for (let before = 0; before < within.size;) {
    before = within.size;
    for (const { pid, parent } of all) if (within.has(parent)) within.add(pid);
  }
  return all.filter(({ pid }) => within.has(pid));
}

/**
 * The processes of users that a switch waits for, each as its user's, and what these started.
 * @param tree the switch's processes
 * @param own the user that the switch runs as
 * @param programs the processes that run switch-to-configuration itself: an activation script may start others as any user
 * @param before what this function answered before: a process stays its user's whatever user it becomes
 */
export function awaitedUsers<T extends RunningProcess>(
  tree: readonly T[],
  own: number,
  programs: ReadonlySet<number>,
  before: readonly T[],
): T[] {
  const awaited = new Map<number, T>();
  for (const one of tree) {
    const known = before.find(({ pid, startTicks }) => pid === one.pid && startTicks === one.startTicks);
    if (known !== undefined) awaited.set(one.pid, { ...one, uid: known.uid });
    else if (one.uid !== own && programs.has(one.parent)) awaited.set(one.pid, one);
  }
  for (let size = -1; size !== awaited.size;) {
    size = awaited.size;
    for (const one of tree) {
      const parent = awaited.get(one.parent);
      if (parent !== undefined && !awaited.has(one.pid)) awaited.set(one.pid, { ...one, uid: parent.uid });
    }
  }
  return [...awaited.values()];
}
