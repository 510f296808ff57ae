import type { Store } from "../api/store";

/** A view of the metadata that a caller can wait for. */
interface View<T> {
  /** The objects that the view is made from. While they are the same, so is the view. */
  inputs(): readonly unknown[];
  /** The present view and its ETag. */
  read(): { etag: string; content: T };
}

/**
 * The view, once its ETag differs from `etag`: at once if it does already, or else after the change. When the time is up or the caller
 * gives up, the present view.
 * @param timeout milliseconds; 0 waits forever
 */
export async function waitForChange<T>(
  store: Store,
  view: View<T>,
  etag: string,
  timeout: number,
  signal: AbortSignal,
): Promise<T> {
  let inputs = view.inputs();
  let seen = view.read();
  if (seen.etag !== etag || signal.aborted) {
    return seen.content;
  }
  return new Promise((resolve) => {
    const timer = timeout > 0 ? setTimeout(finish, timeout) : undefined;
    const unsubscribe = store.onChange(() => {
      const now = view.inputs();
      // There is a watcher for each VM, and most changes do not concern it.
      if (now.every((input, index) => input === inputs[index])) {
        return;
      }
      inputs = now;
      seen = view.read();
      if (seen.etag !== etag) {
        finish();
      }
    });
    signal.addEventListener("abort", finish, { once: true });

    function finish(): void {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener("abort", finish);
      resolve(seen.content);
    }
  });
}
