import type { Store } from "../api/store";

/** A view of the metadata that can be waited for. */
interface View<T> {
  /** The objects that the view is made of; while they are the same, so is the view. */
  inputs(): readonly unknown[];
  /** The view as it is now, and its ETag. */
  read(): { etag: string; content: T };
}

/**
 * The view when its ETag is another than `etag`: at once if it is so already, else after the change, or as it is when the time is
 * up or the caller gives up.
 * @param timeout milliseconds; 0 waits for ever
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
      // There is a watcher for each VM, and most changes are none of its business.
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
