/** One run of a machine: from its start to its power-off, across reboots. */
import { spawn } from "node:child_process";
import { openSync, closeSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeGroup, processesOf, removeGroup } from "./cgroup";
import { readSerial, serialFile } from "./disk";
import { prepareDataDisk, type DataDisk } from "./data-disk";
import type { MachineNames } from "./names";
import { namespacePath } from "./namespaces";

/** How long the container's manager may take to start the machine's init, in milliseconds. */
const startLimit = 30_000;

/** The signal on which systemd powers off: SIGRTMIN+4. Node has no name for it. */
const powerOff = 38;

/** Milliseconds between repetitions of the signal: early in its boot, a machine ignores it. */
const repeat = 1000;

/** With this exit code the container's manager asks for a restart: the machine reboots. */
const reboot = 133;

/** A running machine. */
export class Container {
  /** Resolves when the machine is off and nothing of this run is left. */
  readonly ended: Promise<void>;

  /** Set when the machine must stay off: a reboot then does not start it again. */
  private ending = false;

  private constructor(
    private readonly machine: MachineNames,
    hostname: string,
    private readonly disks: readonly DataDisk[],
  ) {
    this.ended = this.run(hostname);
  }

  /** Starts a machine; resolves when its init runs. */
  static async start(machine: MachineNames, hostname: string, disks: readonly DataDisk[] = []): Promise<Container> {
    await removeGroup(machine.cgroup);
    await writeFile(serialFile(machine.directory), "");
    await Promise.all(disks.map(prepareDataDisk));
    const container = new Container(machine, hostname, disks);
    const off = container.ended.then(() => "off" as const);
    const end = Date.now() + startLimit;
    while (container.leader === undefined) {
      const outcome = await Promise.race([sleep(20), off]);
      if (outcome === "off")
        throw new Error(`the machine did not start: ${lastLines(await readSerial(machine.directory))}`);
      if (Date.now() < end) continue;
      await container.kill();
      throw new Error(`the machine's init did not run within ${startLimit / 1000} s`);
    }
    return container;
  }

  /** Boots again and again, as long as the machine asks for a reboot. */
  private async run(hostname: string): Promise<void> {
    let exitCode;
    do {
      exitCode = await boot(this.machine, hostname, this.disks);
      await removeGroup(this.machine.cgroup);
    } while (exitCode === reboot && !this.ending);
  }

  /** The host's process id of the machine's first process; none for a moment while it reboots. */
  get leader(): number | undefined {
    return leaderOf(this.machine);
  }

  /** Shuts down cleanly and, after a limit in milliseconds, by force. */
  async stop(limit: number): Promise<void> {
    this.ending = true;
    const end = Date.now() + limit;
    const off = this.ended.then(() => "off" as const);
    while (Date.now() < end) {
      if (this.leader !== undefined) signal(this.leader, powerOff);
      if ((await Promise.race([sleep(Math.min(repeat, limit)), off])) === "off") return;
    }
    await this.kill();
  }

  /** Cuts the power. */
  async kill(): Promise<void> {
    this.ending = true;
    await removeGroup(this.machine.cgroup);
    await this.ended;
  }
}

/** Boots a machine once, under a manager that dies with this process; the manager's exit code, if it has one. */
function boot(machine: MachineNames, hostname: string, disks: readonly DataDisk[]): Promise<number | null> {
  const group = makeGroup(machine.cgroup);
  const serial = openSync(serialFile(machine.directory), "a");
  const manager = spawn(
    "nsenter",
    [
      `--net=${namespacePath(machine.namespace)}`,
      ...["setpriv", "--pdeathsig", "KILL", "--"],
      // Slave, not private: otherwise a namespace that is deleted on the host would live on because it is mounted here too.
      ...["unshare", "--mount", "--propagation", "slave", "--"],
      path.join(__dirname, "boot-machine"),
      ...[group, machine.directory, machine.namespace, hostname],
      ...disks.flatMap(({ device, directory }) => [mountPoint(device), directory]),
    ],
    { stdio: ["ignore", serial, serial] },
  );
  closeSync(serial);
  return new Promise((resolve, reject) => {
    manager.once("error", reject);
    manager.once("close", resolve);
  });
}

/** The mount point of a machine's data disk: homes are where NixOS' profile mounts them (`nix/modules/dev-vm/home-disk.nix`). */
function mountPoint(device: string): string {
  return device === "home" ? "/home" : `/mnt/disks/${device}`;
}

/** The host's process id of a machine's first process, whichever process started it; none if it does not run. */
export function leaderOf(machine: MachineNames): number | undefined {
  return processesOf(machine.cgroup).find(isInit);
}

/** Whether a process is the first of a container and has become its init. */
function isInit(pid: number): boolean {
  try {
    const inside = /^NSpid:\s+\d+\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return inside === "1" && !readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("systemd-nspawn\0");
  } catch {
    // It ended in the meantime.
    return false;
  }
}

function signal(pid: number, number: number): void {
  try {
    process.kill(pid, number);
  } catch {
    // It ended by itself.
  }
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join("; ") || "it said nothing";
}
