/** Runs work one after the other, for resources that share one of Compute's. */
export class Mutex {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all earlier work under the same key has ended, with success or not. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const now = before.then(work, work);
    this.#last.set(
      key,
      now.catch(() => undefined),
    );
    return now;
  }
}
