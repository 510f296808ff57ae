/** Reads what the page shows. The status is read at each look; the history and the lock change rarely. */
import type { Call } from "../command-line/command";
import type { FleetContext } from "../context";
import { messageOf } from "../../rules/text/system-error";
import { readVms, type Source } from "../fleet";
import { configSource } from "../revisions";
import { readHistory, withoutEnded } from "../history";
import type { HistoryEntry } from "../history-entry";
import type { FleetStatus } from "../status/status";
import { oneLine } from "../../rules/text/text";
import type { PageDocument } from "./document";
import { readLockAges } from "./lock-ages";
import { rolloutView } from "./model/rollout";

/** Milliseconds for which it goes by the history that it read: Cloud Logging allows 60 reads a minute. */
const historyInterval = 15_000;
/** Milliseconds until a lock that could not be read is read again. */
const lockInterval = 60_000;
/** How far back the page's past goes, in days, and how many entries it has. */
const historyDays = 30;
const historyEntries = 200;
/** Milliseconds that history and lock may take: the page shows the rest without them. */
const patience = 5_000;

export class PageReader {
  private history: { at: number; entries: HistoryEntry[]; problem: string | undefined } | undefined;
  private lock: { revision: string; at: number; value: PageDocument["lock"]; problem: string | undefined } | undefined;
  private source: Source | undefined;

  constructor(
    private readonly call: Call,
    private readonly context: FleetContext,
  ) {}

  /** The document around a status. Never fails: what cannot be read is named in it. */
  async around(status: FleetStatus): Promise<PageDocument> {
    const { entries, problem } = await this.readHistory();
    const target = rolloutView({ status, history: entries })?.full;
    const lock = target === undefined ? undefined : await this.readLock(target);
    const problems = [problem, lock?.problem].filter((one) => one !== undefined);
    return { status, history: entries, lock: lock?.value ?? null, problems };
  }

  private async readHistory(): Promise<NonNullable<PageReader["history"]>> {
    if (this.history !== undefined && Date.now() - this.history.at < historyInterval) return this.history;
    const since = new Date(Date.now() - historyDays * 86_400_000);
    try {
      const read = readHistory(this.call, this.context, { since, most: historyEntries });
      const entries = withoutEnded(await withinPatience(read));
      this.history = { at: Date.now(), entries, problem: undefined };
    } catch (error) {
      const problem = oneLine(`the history cannot be read: ${messageOf(error)}`, 300);
      this.history = { at: Date.now(), entries: this.history?.entries ?? [], problem };
    }
    return this.history;
  }

  private async readLock(revision: string): Promise<NonNullable<PageReader["lock"]>> {
    const { lock } = this;
    if (lock?.revision === revision && (lock.problem === undefined || Date.now() - lock.at < lockInterval)) return lock;
    const { signal, env } = this.call;
    try {
      this.source ??= configSource(this.call, await readVms(this.context.compute, this.context.id));
      const within = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
      const value = await readLockAges(revision, this.source, { signal: within, env, killAfter: 500 });
      this.lock = { revision, at: Date.now(), value, problem: undefined };
    } catch (error) {
      const problem = oneLine(`the lock's age is not known: ${messageOf(error)}`, 300);
      this.lock = { revision, at: Date.now(), value: null, problem };
    }
    return this.lock;
  }
}

/** What a promise answers in time. @throws Error with one line if it takes longer */
async function withinPatience<T>(promise: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error(`no answer within ${patience / 1_000} s`)), patience).unref(),
  );
  return Promise.race([promise, late]);
}
