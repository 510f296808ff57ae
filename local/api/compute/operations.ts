import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, notFound } from "../errors";
import { baseName, scopeOf } from "../paths";
import type { Store } from "../store";
import type { Operation } from "../types";

/** For how long an operation stays readable after its end, in milliseconds. */
const KEEP = 60 * 60 * 1000;
/** Compute's limit for one call of `wait`, in milliseconds. */
const WAIT = 120_000;

/** Compute's operations: every write returns one, and takes its time. */
export class Operations {
  private readonly running = new Map<string, Promise<void>>();

  constructor(
    private readonly store: Store,
    /** Milliseconds that the shortest operation takes. */
    readonly delay: number,
  ) {}

  /**
   * Begins an operation on a resource. `work` starts at once; an error that it throws becomes the operation's error.
   * @param target path and id of the resource; an empty path is the project itself
   */
  begin(operationType: string, target: { path: string; id: string }, work: () => Promise<void>): Operation {
    const scope = target.path === "" ? "global" : scopeOf(target.path);
    const now = this.store.timestamp();
    const name = `operation-${Date.parse(now)}-${randomBytes(8).toString("hex")}`;
    const path = `${scope}/operations/${name}`;
    const operation: Operation = {
      kind: "compute#operation",
      id: this.store.newId(),
      name,
      operationType,
      targetLink: this.store.link(target.path),
      targetId: target.id,
      status: "RUNNING",
      user: "operator@local",
      progress: 0,
      insertTime: now,
      startTime: now,
      selfLink: this.store.link(path),
      ...(scope.startsWith("zones/") ? { zone: this.store.link(scope) } : {}),
      ...(scope.startsWith("regions/") ? { region: this.store.link(scope) } : {}),
    };
    this.store.state.operations[path] = operation;
    this.forgetOld();
    // The answer shows the operation at its start, so the work must not run before the operation is copied.
    const answer = { ...operation };
    this.running.set(path, this.run(path, work));
    return answer;
  }

  /** An operation that waits and then does something at once. */
  after(operationType: string, target: { path: string; id: string }, end: () => void = () => undefined): Operation {
    return this.begin(operationType, target, async () => {
      await sleep(this.delay);
      end();
    });
  }

  /** @throws ApiError 404 */
  get(path: string): Operation {
    const operation = this.store.state.operations[path];
    if (operation === undefined) {
      throw notFound(this.store.shown(path));
    }
    return operation;
  }

  /** Answers when the operation has ended, or after two minutes with its state then. */
  async wait(path: string): Promise<Operation> {
    this.get(path);
    const timeout = new AbortController();
    const limit = sleep(WAIT, undefined, { signal: timeout.signal, ref: false }).catch(() => undefined);
    await Promise.race([this.running.get(path), limit]);
    timeout.abort();
    return this.get(path);
  }

  /** Resolves when no operation is running. */
  async settled(): Promise<void> {
    while (this.running.size > 0) {
      await Promise.all(this.running.values());
    }
  }

  list(scope: string): Operation[] {
    return Object.entries(this.store.state.operations)
      .filter(([path]) => scopeOf(path) === scope)
      .map(([, operation]) => operation);
  }

  /** All operations, with their scopes. */
  all(): { scope: string; operation: Operation }[] {
    return Object.entries(this.store.state.operations).map(([path, operation]) => ({
      scope: scopeOf(path),
      operation,
    }));
  }

  private async run(path: string, work: () => Promise<void>): Promise<void> {
    const failure = await work().then(
      () => undefined,
      (error: unknown) => error,
    );
    const operation = this.store.state.operations[path];
    if (operation !== undefined) {
      this.store.state.operations[path] = end(operation, this.store.timestamp(), failure);
    }
    this.running.delete(path);
    this.store.changed();
    await this.store.saved().catch((error: unknown) => console.error("state:", error));
  }

  private forgetOld(): void {
    const before = this.store.now().getTime() - KEEP;
    const kept = Object.entries(this.store.state.operations).filter(
      ([, { endTime }]) => endTime === undefined || Date.parse(endTime) > before,
    );
    this.store.state.operations = Object.fromEntries(kept);
  }
}

/** The operation after its end; `failure` is what went wrong, if anything did. */
export function end(operation: Operation, now: string, failure?: unknown): Operation {
  const done = { ...operation, status: "DONE" as const, progress: 100, endTime: now };
  if (failure === undefined) {
    return done;
  }
  const message = failure instanceof Error ? failure.message : JSON.stringify(failure);
  const known = failure instanceof ApiError;
  // Compute writes `resourceNotReady` as RESOURCE_NOT_READY here.
  const code = known ? failure.reason.replaceAll(/[A-Z]/g, "_$&").toUpperCase() : "INTERNAL_ERROR";
  return {
    ...done,
    error: { errors: [{ code, message: known ? message : `${baseName(operation.targetLink)}: ${message}` }] },
    httpErrorStatusCode: known ? failure.code : 503,
    httpErrorMessage: known ? "BAD REQUEST" : "SERVICE UNAVAILABLE",
  };
}
