/**
 * Keeps one VM's failure from blocking the others. After a resource has failed, the engine starts nothing new. So a VM that cannot be
 * created would keep a fix from every wave that is not approved yet. Its failure is therefore held back until the rollout has ended, or
 * until `release-failures` says that waiting no longer helps.
 */
import * as pulumi from "@pulumi/pulumi";
import { parallelism } from "../../engine-options";
import { nextFailures, noFailures, type FailureEvent } from "./release-failures";

/** Milliseconds after which nothing waits for a VM's creation or update any more. */
const PATIENCE = 180_000;

/** The hooks of resources; none if the engine does not support hooks. */
type Hooks = Pick<pulumi.ResourceHookBinding, "onError">;

export class DelayedFailures {
  /** For VMs: their failure waits for the end of the rollout. */
  wait: Hooks = {};
  /** For what the rollout depends on: if that fails, there is no reason left to wait. */
  release: Hooks = {};
  private held = noFailures;
  private count = 0;
  /** Failure → the function that releases it. */
  private readonly releases = new Map<number, () => void>();
  /** VM → the function that reports that the VM could not be created or updated. */
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

  /** Releases failures once this has ended, with or without success. */
  until(rollout: Promise<unknown>): void {
    const ended = () => this.take({ kind: "rollout ended" });
    void rollout.then(ended, ended);
  }

  /**
   * Resolves when a VM has been created or updated, or could not be. Otherwise a gate that fails at once would end the run before the VMs
   * of its wave have got their other changes.
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
 * Resolves when the engine has finished with a resource: its URN arrives when its registration ends, even if that failed. If the engine
 * ends the run earlier, the URN never arrives, and the SDK reports that by an error.
 */
export function registrationEnd(resource: pulumi.Resource): Promise<void> {
  // The SDK does not export this promise; `apply` alone would wait for ever after an error.
  const { promise } = resource.urn as unknown as { promise: () => Promise<unknown> };
  return promise().then(
    () => undefined,
    () => undefined,
  );
}

/** The hook, which never asks for a retry; undefined if the engine or its language host is too old for hooks on errors. */
async function registered(
  name: string,
  callback: (failure: pulumi.ErrorHookArgs) => Promise<void> | void,
): Promise<pulumi.ErrorHook | undefined> {
  const hook = new pulumi.ErrorHook(name, async (failure) => {
    await callback(failure);
    return false;
  });
  // The SDK does not export this promise. If it is rejected without a handler, the program ends.
  const { __registered: done } = hook as unknown as { __registered: Promise<void> };
  return done.then(
    () => hook,
    () => undefined,
  );
}
