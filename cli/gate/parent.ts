/** Whether the parent process still runs. */

/** Milliseconds between two checks. */
const interval = 500;

/**
 * Aborted when the process that started this one is gone, as when Ctrl-C ends Pulumi and its plugin kills only the shell between them.
 * This process then has no parent to report to, and must change nothing.
 */
export function orphanSignal(parentOf: () => number = () => process.ppid): AbortSignal {
  const controller = new AbortController();
  const parent = parentOf();
  const timer = setInterval(() => {
    if (parentOf() === parent) return;
    clearInterval(timer);
    controller.abort();
  }, interval);
  timer.unref();
  return controller.signal;
}
