/**
 * What keeps one VM's failure from the others. Once a resource has failed, the engine begins nothing new, so a VM that cannot be created
 * would keep a fix from every wave that is not approved yet. Its failure is therefore held back until the rollout has ended, or until
 * `release-failures` says that it is no use to wait.
 */
import * as pulumi from "@pulumi/pulumi";
import { parallelism } from "../../engine-options";
import { nextFailures, noFailures, type FailureEvent } from "./release-failures";

/** Milliseconds after which nobody waits for a VM's creation or update any more. */
const PATIENCE = 180_000;

/** The hooks of resources; none where the engine does not support any. */
type Hooks = Pick<pulumi.ResourceHookBinding, "onError">;

export class DelayedFailures {
  /** For VMs: their failure waits for the rollout's end. */
  wait: Hooks = {};
  /** For what the rollout depends on: where that fails, nothing is left to wait for. */
  release: Hooks = {};
  private held = noFailures;
  private count = 0;
  /** Failure → what lets it out. */
  private readonly releases = new Map<number, () => void>();
  /** VM → what says that it could not be created or updated. */
  private readonly failed = new Map<string, () => void>();

  /** @param name of the fleet, unique in its stack */
  static async create(name: string): Promise<DelayedFailures> {
    const failures = new DelayedFailures();
    const wait = await registered(`${name}-vm-failed`, (failure) => failures.holdBack(failure));
    const release = await registered(`${name}-rollout-failed`, () => failures.take({ kind: "rollout failed" }));
    if (wait !== undefined && release !== undefined) {
      failures.wait = { onError: [wait] };
      failures.release = { onError: [release] };
    }
    return failures;
  }

  /** Lets failures out once this has ended, however it does. */
  until(rollout: Promise<unknown>): void {
    const ended = () => this.take({ kind: "rollout ended" });
    void rollout.then(ended, ended);
  }

  /**
   * Resolved when a VM has been created or updated, or could not be. A gate that fails at once would otherwise end the run before
   * the VMs of its wave have got their other changes.
   */
  async attempted(vm: string, instance: pulumi.Resource): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<void>((resolve) => this.failed.set(vm, resolve));
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE)));
    await Promise.race([registrationEnd(instance), failed, late]);
    clearTimeout(timer);
  }

  private async holdBack({ failedOperation, newInputs, name, errors }: pulumi.ErrorHookArgs): Promise<void> {
    const vm: unknown = newInputs?.["name"] ?? name;
    this.failed.get(String(vm))?.();
    const failure = this.count++;
    const released = new Promise<void>((resolve) => this.releases.set(failure, resolve));
    this.take({ kind: "vm failed", failure, operation: failedOperation });
    if (this.held.waiting.includes(failure)) {
      const reason = (errors[0] ?? "").trim().split("\n").slice(-1)[0] ?? "";
      void pulumi.log.warn(
        `${String(vm)} cannot be ${failedOperation}d: ${reason.slice(0, 500)}. The rollout to the other VMs continues; then this run fails`,
      );
    }
    await released;
  }

  private take(event: FailureEvent): void {
    const { next, out } = nextFailures(this.held, event, parallelism());
    this.held = next;
    for (const failure of out) this.releases.get(failure)?.();
  }
}

/**
 * When a resource has got what it will get: its URN comes with its registration's end, also where that failed. Where the engine ends
 * the run before that, the URN never comes, and the SDK says so by an error.
 */
export function registrationEnd(resource: pulumi.Resource): Promise<void> {
  // The SDK keeps this promise to itself; `apply` alone would wait for ever after an error.
  const { promise } = resource.urn as unknown as { promise: () => Promise<unknown> };
  return promise().then(
    () => undefined,
    () => undefined,
  );
}

/** The hook, which never asks for a retry; undefined where the engine or its language host is too old for hooks on errors. */
async function registered(
  name: string,
  callback: (failure: pulumi.ErrorHookArgs) => Promise<void> | void,
): Promise<pulumi.ErrorHook | undefined> {
  const hook = new pulumi.ErrorHook(name, async (failure) => {
    await callback(failure);
    return false;
  });
  // The SDK keeps this promise to itself; without a look at it a refusal would end the program.
  const { __registered: done } = hook as unknown as { __registered: Promise<void> };
  return done.then(
    () => hook,
    () => undefined,
  );
}
