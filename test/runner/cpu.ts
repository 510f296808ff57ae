import { cpus } from "node:os";

interface Ticks {
  busy: number;
  all: number;
}

function ticks(): Ticks {
  return cpus().reduce<Ticks>(
    ({ busy, all }, { times }) => {
      const used = times.user + times.nice + times.sys + times.irq;
      return { busy: busy + used, all: all + used + times.idle };
    },
    { busy: 0, all: 0 },
  );
}

/** Starts to watch the machine's CPUs; the answer tells the share, from 0 to 1, that was in use since. */
export function watchCpu(): () => number {
  const before = ticks();
  return () => {
    const now = ticks();
    return now.all === before.all ? 0 : (now.busy - before.busy) / (now.all - before.all);
  };
}
