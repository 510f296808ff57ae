/**
 * What keeps one VM's failure from the others. Once a resource has failed, the engine begins nothing new, so a VM that cannot be created
 * would keep a fix from every wave that is not approved yet. Its failure is therefore held back until the rollout has ended.
 */
import * as pulumi from "@pulumi/pulumi";

/** Milliseconds after which nobody waits for a VM's creation or update any more. */
const PATIENCE = 180_000;

/** Operations under way at once, as the engine tells every program. */
const parallel = Number(process.env["PULUMI_NODEJS_PARALLEL"] ?? 4);

/** The hooks of resources; none where the engine does not support any. */
type Hooks = Pick<pulumi.ResourceHookBinding, "onError">;

export class HeldBackFailures {
  /** For VMs: their failure waits for the rollout's end. */
  wait: Hooks = {};
  /** For what the rollout depends on: where that fails, nothing is left to wait for. */
  release: Hooks = {};
  private end: () => void = () => undefined;
  private readonly ended = new Promise<void>((resolve) => (this.end = resolve));
  private readonly failed = new Map<string, () => void>();
  private waiting = 0;

  /** @param name of the fleet, unique in its stack */
  static async create(name: string): Promise<HeldBackFailures> {
    const failures = new HeldBackFailures();
    const wait = await registered(`${name}-vm-failed`, (failure) => failures.holdBack(failure));
    const release = await registered(`${name}-rollout-failed`, () => failures.letOut());
    if (wait !== undefined && release !== undefined) {
      failures.wait = { onError: [wait] };
      failures.release = { onError: [release] };
    }
    return failures;
  }

  /** Lets failures out once this has ended, however it does. */
  until(rollout: Promise<unknown>): void {
    void rollout.finally(() => this.end());
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

  private letOut(): Promise<void> {
    this.end();
    return this.ended;
  }

  private async holdBack({ failedOperation, newInputs, name, errors }: pulumi.ErrorHookArgs): Promise<void> {
    // Deletions come after everything else.
    if (failedOperation === "delete") return;
    const vm: unknown = newInputs?.["name"] ?? name;
    this.failed.get(String(vm))?.();
    const reason = (errors[0] ?? "").trim().split("\n").slice(-1)[0] ?? "";
    void pulumi.log.warn(
      `${String(vm)} cannot be ${failedOperation}d: ${reason.slice(0, 500)}. The rollout to the other VMs goes on; then this run fails`,
    );
    // Each failure that waits takes one of the engine's workers, and the rollout needs some.
    this.waiting += 1;
    if (this.waiting > Math.max(1, Math.floor(parallel / 2))) this.end();
    await this.ended;
  }
}

/** When a resource has got what it will get: its URN comes with its registration's end, also where that failed. */
export function registrationEnd(resource: pulumi.Resource): Promise<void> {
  return new Promise((resolve) => resource.urn.apply(() => resolve()));
}

/** The hook, which never asks for a retry; undefined where the engine or its language host is too old for hooks on errors. */
async function registered(
  name: string,
  callback: (failure: pulumi.ErrorHookArgs) => Promise<void>,
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
