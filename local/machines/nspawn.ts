/** Machines as systemd-nspawn containers: each has a real init, a network namespace, a control group and a disk. */
import { attempt } from "./command";
import { groupOf } from "./cgroup";
import { Container } from "./container";
import { makeDisk, readSerial, removeDisk, shortName } from "./disk";
import type { ExecResult, Machines, MachineSpec, Trusted } from "./driver";
import { addLink, removeLink } from "./link";
import { type CloudNames, type MachineNames, machineNames } from "./names";

/** Milliseconds that a machine may take to shut down before its power is cut. */
const stopLimit = 30_000;

const path = "/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin";

/**
 * The host's command that runs a command as root in the machine with a leader. It is in the machine's control group too: the machine's
 * logind does not answer a caller whose group it cannot see. Its parent is a plain shell, not nsenter: nsenter stops itself when a shutdown
 * stops its child, so the child would never be reaped, and the machine's end would wait forever for the child.
 */
export function enter(leader: number, argv: readonly string[]): [string, ...string[]] {
  const join = 'echo $$ >"$1/cgroup.procs" && shift && exec nsenter --target "$0" --all --no-fork -- "$@"';
  const shell = ["env", "-i", `PATH=${path}`, "HOME=/root", "LANG=C.UTF-8", "/bin/sh", "-c", '"$@"; exit $?', "sh"];
  return ["sh", "-c", join, String(leader), groupOf(leader), ...shell, ...argv];
}

interface Machine {
  spec: MachineSpec;
  names: MachineNames;
  /** Absent while the machine is off. */
  container?: Container | undefined;
}

/** Runs machines from an image's root file system (an absolute path, as `local/image/build` prints it). */
export class NspawnMachines implements Machines {
  private readonly machines = new Map<string, Machine>();
  private readonly callbacks: ((name: string) => void)[] = [];

  constructor(
    private readonly cloud: CloudNames,
    private readonly image: string,
    private readonly trusted?: Trusted,
  ) {}

  async create(spec: MachineSpec): Promise<void> {
    const known = this.machines.get(spec.name);
    if (known?.container !== undefined) {
      // The disks for its next boot.
      known.spec = spec;
      return;
    }
    const names = machineNames(this.cloud, spec.name);
    await makeDisk(names.directory, this.image, spec, this.trusted);
    await addLink(this.cloud, names, spec);
    this.machines.set(spec.name, { spec, names });
  }

  async start(name: string): Promise<void> {
    const machine = this.find(name);
    if (machine.container !== undefined) return;
    const container = await Container.start(machine.names, shortName(machine.spec), machine.spec.disks);
    machine.container = container;
    const failed = (error: unknown) => console.error(`machine ${name}: ${String(error)}`);
    void container.ended.catch(failed).then(() => {
      // A deliberate stop has removed the container first.
      if (machine.container !== container) return;
      machine.container = undefined;
      for (const callback of this.callbacks) callback(name);
    });
  }

  async stop(name: string): Promise<void> {
    await this.take(name)?.stop(stopLimit);
  }

  async reset(name: string): Promise<void> {
    this.find(name);
    await this.take(name)?.kill();
    await this.start(name);
  }

  async delete(name: string): Promise<void> {
    await this.take(name)?.kill();
    this.machines.delete(name);
    const names = machineNames(this.cloud, name);
    await removeLink(this.cloud, names);
    await removeDisk(names.directory);
  }

  async serial(name: string): Promise<string> {
    return readSerial(this.find(name).names.directory);
  }

  async exec(name: string, argv: readonly string[]): Promise<ExecResult> {
    const leader = this.find(name).container?.leader;
    if (leader === undefined) throw new Error(`machine ${name} is not running`);
    const result = await attempt(enter(leader, argv));
    if (this.machines.get(name)?.container?.leader !== leader || result.exitCode === undefined) {
      throw new Error(`machine ${name} ended while it ran ${argv.join(" ")}`);
    }
    return { ...result, exitCode: result.exitCode };
  }

  onExit(callback: (name: string) => void): void {
    this.callbacks.push(callback);
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.machines].map(async ([name, { names }]) => {
        await this.take(name)?.kill();
        await removeLink(this.cloud, names);
      }),
    );
    this.machines.clear();
  }

  private find(name: string): Machine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  /** A machine's container. Its end is not reported from now on. */
  private take(name: string): Container | undefined {
    const machine = this.machines.get(name);
    const container = machine?.container;
    if (machine !== undefined) machine.container = undefined;
    return container;
  }
}
