/**
 * Keeps the failure of a VM, or of anything else that the rollout does not need, from blocking the rollout. After a resource has failed,
 * the engine starts nothing new. So a VM that cannot be created would keep a fix from every wave that is not approved yet. Its failure is
 * therefore held back until the rollout has ended, or until `release-failures` says that waiting no longer helps.
 */
import { AsyncResource } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config-error";
import { homeDiskName } from "../../config/names";
import { parallelism } from "../../engine-options";
import { REFUSED } from "./approval-check";
import { registrationEnd } from "../settled";
import { registered } from "./registered";
import { own } from "../../../rules/text/json";
import { nextFailures, noFailures, type FailureEvent } from "./release-failures";

/** Milliseconds after which nothing waits for a VM's creation or update any more. */
const PATIENCE = 180_000;

/**
 * Milliseconds before each further try to write an item of the project's metadata. After a failed update Pulumi has the new value in its
 * state, so that only this run, or one after `pulumi refresh`, writes it.
 */
const RETRIES = [2_000, 6_000, 15_000];

/**
 * What Compute says of a schedule while it does not know yet that its own agent may start and stop VMs: IAM takes minutes to spread a new
 * binding. So often this is tried again, after at most so many milliseconds: 10 minutes in all.
 */
const SPREADING = /needs to have \[compute\.instances/;
const SPREADING_TRIES = 45;
const SPREADING_PAUSE = 15_000;

const DISK = /:Disk$/;
const INSTANCE = /:Instance$/;

/** What the provider says if it is to delete a VM that is gone. Of other resources it takes such a delete as done. */
const NOT_FOUND = /Error deleting instance: .*\b404\b/;

/**
 * What Compute says if a resource has other labels than the provider read last: the provider sends the labels' fingerprint out of Pulumi's
 * state, so that the same update would fail each time.
 */
const STALE_LABELS = /labels fingerprint/i;

/** Resources that give access, as `FleetAccess` declares them. */
const ACCESS = /IAM(Policy|Binding)$/i;

const REFUSED_BEFORE =
  "Google refused to change who may log in, in an earlier run, and Pulumi's state has the change all the same. The policies that it refused keep their members: correct the settings, or, if they are right, run pulumi up --refresh";

/** The hooks of resources; none if the engine does not support hooks. */
type Hooks = Pick<pulumi.ResourceHookBinding, "onError">;

export class DelayedFailures {
  /** For VMs, and for what the rollout does not depend on: their failure waits for the end of the rollout. */
  wait: Hooks = {};
  /** For what the rollout depends on: if that fails, there is no reason left to wait. */
  release: Hooks = {};
  /** The same for what is written again a few times first. */
  retry: Hooks = {};
  /** For what gives access: a change that Google refused is not taken for made. */
  access: Pick<pulumi.ResourceHookBinding, "beforeUpdate"> = {};
  private held = noFailures;
  private count = 0;
  /** Whether `REFUSED_BEFORE` was printed. */
  private warned = false;
  /** Failure → the function that releases it. */
  private readonly releases = new Map<number, () => void>();
  /** VM → the function that reports that the VM could not be created or updated. */
  private readonly failed = new Map<string, () => void>();

  /** @param runningIn VM → its zone, for the VMs that run before this update */
  private constructor(private readonly runningIn: Readonly<Record<string, string>>) {}

  /**
   * @param name of the fleet, unique in its stack
   * @param runningIn VM → its zone, for the VMs that run before this update
   */
  static async create(name: string, runningIn: Readonly<Record<string, string>>): Promise<DelayedFailures> {
    const failures = new DelayedFailures(runningIn);
    const wait = await errorHook(`${name}-vm-failed`, (failure) => failures.holdBack(failure));
    const release = await errorHook(`${name}-rollout-failed`, (failure) => failures.reportAndRelease(failure));
    const retry = await errorHook(`${name}-metadata-failed`, (failure) => failures.tryAgain(failure));
    if (wait !== undefined && release !== undefined && retry !== undefined) {
      failures.wait = { onError: [wait] };
      failures.release = { onError: [release] };
      failures.retry = { onError: [retry] };
    }
    const access = await registered(
      new pulumi.ResourceHook(
        `${name}-access-refused`,
        AsyncResource.bind((update: pulumi.ResourceHookArgs) => failures.refuseUnsent(update)),
        { onDryRun: true },
      ),
    );
    if (access !== undefined) failures.access = { beforeUpdate: [access] };
    return failures;
  }

  /** For a component that the rollout does not depend on: the failures of all its resources wait. */
  get waitForAll(): pulumi.ComponentResourceOptions {
    return this.waitExcept([]);
  }

  /**
   * For the home disks: the failures of all wait, except those of the VMs that the approvals wait for, which would never end.
   * @param moving the VMs that change waves
   */
  waitForDisks(moving: readonly string[]): pulumi.ComponentResourceOptions {
    return this.waitExcept(moving.map(homeDiskName));
  }

  private waitExcept(needed: readonly string[]): pulumi.ComponentResourceOptions {
    const { wait, release } = this;
    const hooksOf = ({ name }: pulumi.Inputs) => (needed.includes(String(name)) ? release : wait);
    return {
      transformations: [
        ({ props, opts }) => ({ props, opts: { ...opts, hooks: { ...hooksOf(props), ...opts.hooks } } }),
      ],
    };
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

  /** Releases failures at once: a part of the rollout has failed, and waiting no longer helps. */
  releaseAll(): false {
    this.take({ kind: "rollout failed" });
    return false;
  }

  /** Whether to try again, after a pause. `errors` has one for each try so far. */
  private async tryAgain({ failedOperation, errors }: pulumi.ErrorHookArgs): Promise<boolean> {
    const refused = errors.some((error) => error.includes(REFUSED));
    const pause = failedOperation === "delete" || refused ? undefined : RETRIES[errors.length - 1];
    if (pause === undefined) return this.releaseAll();
    await sleep(pause);
    return true;
  }

  /** Waits for the line: the engine may end the program right after the hook has answered. */
  private async reportAndRelease(failure: pulumi.ErrorHookArgs): Promise<false> {
    const advice = adviceAfter(failure, this.runningIn);
    if (advice !== undefined) await pulumi.log.warn(`${failure.name}: ${advice}`);
    return this.releaseAll();
  }

  /**
   * After a refused update the provider has the new members in the state, and the same update again would send nothing: someone who left
   * could still log in. @throws once the rollout has ended; a preview only warns
   */
  private async refuseUnsent(update: pulumi.ResourceHookArgs): Promise<void> {
    if (!sendsNothing(update)) return;
    if (!this.warned) void pulumi.log.warn(REFUSED_BEFORE);
    this.warned = true;
    if (pulumi.runtime.isDryRun()) return;
    const failure = this.count++;
    const released = new Promise<void>((resolve) => this.releases.set(failure, resolve));
    this.take({ kind: "vm failed", failure, operation: "update" });
    await released;
    throw new ConfigError(["Google refused this change before; it is not sent again"], "NF105");
  }

  private async holdBack(args: pulumi.ErrorHookArgs): Promise<boolean> {
    const { failedOperation, newInputs, type, errors } = args;
    if (SPREADING.test(errors[0] ?? "") && errors.length <= SPREADING_TRIES) {
      await sleep(Math.min(SPREADING_PAUSE, errors.length * 2_000));
      return true;
    }
    const name = String(newInputs?.["name"] ?? args.name);
    // A VM is not created or updated before its home disk.
    const vm = DISK.test(type) ? [...this.failed.keys()].find((one) => homeDiskName(one) === name) : name;
    const attempt = vm === undefined ? undefined : this.failed.get(vm);
    attempt?.();
    const failure = this.count++;
    const released = new Promise<void>((resolve) => this.releases.set(failure, resolve));
    this.take({ kind: "vm failed", failure, operation: failedOperation });
    const what = attempt === undefined ? args.name : name;
    const advice = adviceAfter(args, this.runningIn);
    if (this.held.waiting.includes(failure)) {
      const reason = (errors[0] ?? "").trim().split("\n").slice(-1)[0] ?? "";
      void pulumi.log.warn(
        `${what} cannot be ${failedOperation}d: ${reason.slice(0, 500)}. The rollout continues without it; then this run fails${advice === undefined ? "" : `. ${advice}`}`,
      );
    } else if (advice !== undefined) await pulumi.log.warn(`${what}: ${advice}`);
    await released;
    return false;
  }

  private take(event: FailureEvent): void {
    const { next, out } = nextFailures(this.held, event, parallelism());
    this.held = next;
    for (const failure of out) this.releases.get(failure)?.();
  }
}

/** Whether an update of what gives access would send nothing, as the state has its members already. Pure. */
export function sendsNothing({
  newInputs,
  oldOutputs,
}: Pick<pulumi.ResourceHookArgs, "newInputs" | "oldOutputs">): boolean {
  const [wanted, there] = [newInputs, oldOutputs].map((props) => membersIn(props ?? {}));
  return wanted !== undefined && wanted === there;
}

/** The text of a policy, or the members of a binding in order. */
function membersIn({ policyData, members }: pulumi.Inputs): string | undefined {
  if (typeof policyData === "string") return policyData;
  return Array.isArray(members) ? JSON.stringify(members.map(String).sort()) : undefined;
}

/** What a person should do after a failed update or delete; undefined if the next run sees to it. Pure. */
export function adviceAfter(
  {
    failedOperation,
    type,
    newInputs,
    errors,
  }: Pick<pulumi.ErrorHookArgs, "failedOperation" | "type" | "newInputs" | "errors">,
  runningIn: Readonly<Record<string, string>>,
): string | undefined {
  if (failedOperation === "delete" && INSTANCE.test(type) && NOT_FOUND.test(errors[0] ?? ""))
    return "Someone has deleted it already: run pulumi up --refresh";
  if (failedOperation !== "update" || !type.startsWith("gcp:")) return undefined;
  if (STALE_LABELS.test(errors[0] ?? ""))
    return "Its labels are not those that Pulumi read last, such as where another tool sets some: run pulumi up --refresh";
  if (ACCESS.test(type))
    return "It keeps its members. Correct the settings and run pulumi up; if they are right, run pulumi up --refresh once the cause is gone";
  if (!INSTANCE.test(type))
    return "Once the cause is gone, run pulumi up --refresh: Pulumi's state may have this change already, and a plain pulumi up would not make it";
  const vm = String(newInputs?.["name"]);
  const zone = own(runningIn, vm);
  return zone === undefined
    ? undefined
    : `It ran before; see that it runs: gcloud compute instances start ${vm} --zone=${zone}`;
}

/** A hook whose callback says whether to retry; undefined if the engine is too old for it. */
function errorHook(name: string, callback: pulumi.ErrorHookFunction): Promise<pulumi.ErrorHook | undefined> {
  // The engine calls it from outside the program: bound, it finds the run of an inline program, and with it the engine's log.
  return registered(new pulumi.ErrorHook(name, AsyncResource.bind(callback)));
}
