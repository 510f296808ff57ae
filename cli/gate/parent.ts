/** Whether the parent process still runs. */

/** Milliseconds between two looks. */
const interval = 500;

/**
 * Aborted when the process that started this one is gone, as when Ctrl-C ends Pulumi and its plugin kills nothing but the shell between
 * them. What is left has nobody to report to, and must change nothing.
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
