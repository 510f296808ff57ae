import { ApiError, isOurs } from "./api-error";

/** Maximum requests at once. */
export const mostAtOnce = 48;
/** Requests at once at the start. */
const atStart = 16;

/**
 * Limits how many requests run at once, by what the server bears: one more after each round of answers, half as many after a refusal
 * that may pass. If requests that ran together are refused together, they count as one refusal.
 */
export class Throttle {
  private width = atStart;
  private running = 0;
  /** Answers since the width last changed. */
  private well = 0;
  /** Grows with each narrowing, so that a request knows whether it started before the narrowing. */
  private narrowed = 0;
  private readonly waiting: (() => void)[] = [];

  /** Makes a request when it is its turn. */
  async run<T>(request: () => Promise<T>): Promise<T> {
    while (this.running >= this.width) {
      await new Promise<void>((turn) => this.waiting.push(turn));
    }
    this.running += 1;
    const { narrowed } = this;
    try {
      const answer = await request();
      this.widen();
      return answer;
    } catch (thrown) {
      if (isOurs(thrown)) throw thrown;
      const error = ApiError.from(thrown);
      if (!error.transient) {
        this.widen();
      } else if (narrowed === this.narrowed) {
        this.narrow();
      }
      throw error;
    } finally {
      this.running -= 1;
      this.waiting.splice(0, this.width - this.running).forEach((turn) => turn());
    }
  }

  private widen(): void {
    this.well += 1;
    if (this.well >= this.width && this.width < mostAtOnce) {
      this.width += 1;
      this.well = 0;
    }
  }

  private narrow(): void {
    this.width = Math.max(1, Math.floor(this.width / 2));
    this.well = 0;
    this.narrowed += 1;
  }
}
