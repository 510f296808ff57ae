/** Milliseconds between two lines about one piece of work, if no one watches. */
const pace = 5_000;

/**
 * Shows how far a piece of work is: on a terminal one line that is overwritten, otherwise a line every few seconds. The end of the work
 * is always shown.
 */
export class Progress {
  private last = 0;

  constructor(
    private readonly stream: { isTTY?: boolean; write: (text: string) => unknown },
    private readonly now: () => number = Date.now,
  ) {}

  /** @param label what is done, such as `uploading NAME` */
  tell(label: string, done: number, all: number): void {
    const ended = done >= all;
    if (!ended && this.now() - this.last < (this.stream.isTTY === true ? 100 : pace)) return;
    this.last = this.now();
    const percent = all === 0 ? 100 : Math.floor((100 * done) / all);
    const line = `${label}: ${percent} %`;
    this.stream.write(this.stream.isTTY === true ? `\r${line}\u001b[K${ended ? "\n" : ""}` : `${line}\n`);
  }
}
