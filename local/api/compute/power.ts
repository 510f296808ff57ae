import { setTimeout as sleep } from "node:timers/promises";
import type { DiskContents } from "../../machines/data-disk";
import type { Machines, MachineSpec } from "../../machines/driver";
import { gatewayOf, parseRange } from "./network";
import { baseName, pathOf } from "../paths";
import type { Operations } from "./operations";
import type { Store } from "../store";
import type { Instance, InstanceStatus, Operation, Resource } from "../types";

/** Instances and their machines. Their slow work runs one piece after the other for each instance. */
export class Power {
  private readonly queues = new Map<string, Promise<void>>();

  constructor(
    private readonly store: Store,
    private readonly operations: Operations,
    private readonly machines: Machines,
    private readonly contents: DiskContents,
  ) {
    machines.onExit((name) => this.exited(name));
  }

  /** Makes and boots the machine of an instance that is already stored. If that fails, nothing of it remains. */
  insert(path: string): Operation {
    return this.queue("insert", path, async () => {
      try {
        await sleep(this.operations.delay);
        await this.boot(path);
      } catch (error) {
        await this.machines.delete(baseName(path));
        this.forget(path);
        throw error;
      }
    });
  }

  /** Does nothing to a running instance. */
  start(path: string): Operation {
    return this.queue("start", path, async () => {
      this.apply(path, "begin");
      await sleep(this.operations.delay);
      if (wantsMachine(this.instance(path))) {
        await this.boot(path);
      }
    });
  }

  /** The disks stay. */
  stop(path: string): Operation {
    return this.queue("stop", path, async () => {
      this.apply(path, "stop");
      if (this.instance(path).status === "STOPPING") {
        await Promise.all([this.machines.stop(baseName(path)), sleep(this.operations.delay)]);
        this.apply(path, "stopped");
      }
    });
  }

  reset(path: string): Operation {
    return this.queue("reset", path, async () => {
      await sleep(this.operations.delay);
      await this.create(path);
      await this.machines.reset(baseName(path));
    });
  }

  /** Removes the machine and its disks. */
  delete(path: string): Operation {
    this.store.put(path, this.instance(path), "delete");
    return this.queue("delete", path, async () => {
      this.apply(path, "stop");
      await Promise.all([this.machines.delete(baseName(path)), sleep(this.operations.delay)]);
      const gone = this.instance(path).disks.filter(({ autoDelete }) => autoDelete);
      await Promise.all(gone.map(({ source }) => this.contents.remove(pathOf(this.store.project, source))));
      this.forget(path);
    });
  }

  /** Boots the machine of an instance that should run, as after a restart of the daemon. */
  resume(path: string): Promise<void> {
    return this.inTurn(path, async () => {
      try {
        await this.boot(path);
      } catch (error) {
        this.apply(path, "exited");
        throw error;
      }
    });
  }

  /** Makes the machine of a stopped instance known to the driver, as after a restart of the daemon. */
  take(path: string): Promise<void> {
    return this.inTurn(path, () => this.create(path));
  }

  private async create(path: string): Promise<void> {
    const instance = this.instance(path);
    const disks = instance.disks.flatMap(({ boot, deviceName, source }) =>
      boot ? [] : [{ device: deviceName, directory: this.contents.directoryOf(pathOf(this.store.project, source)) }],
    );
    await this.machines.create({ ...machineSpec(instance, this.store), disks });
  }

  private async boot(path: string): Promise<void> {
    this.apply(path, "stage");
    await this.create(path);
    await this.machines.start(baseName(path));
    this.apply(path, "started");
  }

  private exited(name: string): void {
    const instance = this.store.instance(name);
    if (instance !== undefined) {
      this.apply(pathOf(this.store.project, instance.selfLink), "exited");
      this.store.saved().catch((error: unknown) => console.error("state:", error));
    }
  }

  /** Removes an instance and the disks that are deleted with it. */
  private forget(path: string): void {
    const instance = this.instance(path);
    for (const { autoDelete, source } of instance.disks) {
      if (autoDelete) {
        this.store.remove(pathOf(this.store.project, source));
      }
    }
    const { guestAttributes, sshPorts } = this.store.state;
    this.store.state.guestAttributes = without(guestAttributes, instance.name);
    this.store.state.sshPorts = without(sshPorts, instance.name);
    this.store.remove(path);
  }

  private apply(path: string, event: LifecycleEvent): void {
    const stored = this.store.state.resources[path];
    if (stored !== undefined) {
      this.store.put(path, transition(stored.resource as Instance, event, this.store.timestamp()), stored.pending);
    }
  }

  private instance(path: string): Instance {
    return this.store.get(path) as Instance;
  }

  private queue(type: string, path: string, work: () => Promise<void>): Operation {
    const { id } = this.store.get(path);
    return this.operations.begin(type, { path, id }, () => this.inTurn(path, work));
  }

  /** Runs `work` after all earlier work for the instance, or at once if there is none. */
  private inTurn(path: string, work: () => Promise<void>): Promise<void> {
    const before = this.queues.get(path);
    const mine = before === undefined ? work() : before.catch(() => undefined).then(work);
    this.queues.set(path, mine);
    const done = (): void => {
      if (this.queues.get(path) === mine) {
        this.queues.delete(path);
      }
    };
    return mine.finally(done);
  }
}

/** What the driver must know about an instance, apart from its disks. */
function machineSpec(instance: Instance, store: Store): Omit<MachineSpec, "disks"> {
  const [nic] = instance.networkInterfaces;
  const subnetwork: Resource | undefined =
    nic === undefined ? undefined : store.get(pathOf(store.project, nic.subnetwork));
  const range = parseRange(String(subnetwork?.["ipCidrRange"]));
  if (nic === undefined || range === undefined) {
    throw new Error(`${instance.name} has no network`);
  }
  return {
    name: instance.name,
    hostname: hostnameOf(instance, store.project),
    address: nic.networkIP,
    gateway: gatewayOf(range),
    prefixLength: range.prefixLength,
  };
}

/** The full host name: the instance's own, or Compute's internal zonal name. */
export function hostnameOf(instance: Instance, project: string): string {
  return instance.hostname ?? `${instance.name}.${baseName(instance.zone)}.c.${project}.internal`;
}

function without<T>(record: Record<string, T>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

/** What can happen to an instance: four actions of the API, and one of the machine itself. */
export type LifecycleEvent = "begin" | "stage" | "started" | "stop" | "stopped" | "exited";

const transitions: Record<LifecycleEvent, Partial<Record<InstanceStatus, InstanceStatus>>> = {
  begin: { TERMINATED: "PROVISIONING" },
  stage: { PROVISIONING: "STAGING" },
  started: { STAGING: "RUNNING" },
  stop: { PROVISIONING: "STOPPING", STAGING: "STOPPING", RUNNING: "STOPPING" },
  stopped: { STOPPING: "TERMINATED" },
  // A machine may power itself off before its start was noticed, and while it is being stopped.
  exited: { STAGING: "TERMINATED", RUNNING: "TERMINATED" },
};

/** The instance after the event; unchanged if the event has no effect in its status. */
export function transition(instance: Instance, event: LifecycleEvent, now: string): Instance {
  const status = transitions[event][instance.status];
  if (status === undefined) {
    return instance;
  }
  const times =
    status === "RUNNING" ? { lastStartTimestamp: now } : status === "TERMINATED" ? { lastStopTimestamp: now } : {};
  return { ...instance, status, ...times };
}

/** Whether the instance of a machine runs, or is about to run. */
function wantsMachine({ status }: Instance): boolean {
  return status === "PROVISIONING" || status === "STAGING" || status === "RUNNING";
}
