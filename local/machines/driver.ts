/**
 * What the local cloud's API needs from the code that runs its machines and carries their packets. The real machines are containers in
 * network namespaces; tests use an implementation in memory. Nothing here knows of Compute's resources.
 */
import type { ChildProcess } from "node:child_process";
import type * as net from "node:net";
import type { DataDisk } from "./data-disk";

/** A machine as the driver sees it. */
export interface MachineSpec {
  /** Unique in a cloud; a valid Compute instance name. */
  name: string;
  /** The full host name. The driver may shorten it to the limit for host names. */
  hostname: string;
  /** IPv4 address in the cloud's network. */
  address: string;
  /** IPv4 address of the subnetwork's gateway: the default route, and the address of the git server. */
  gateway: string;
  /** Bits of the subnetwork's mask. */
  prefixLength: number;
  /** The data disks that it boots with; none by default. */
  disks?: readonly DataDisk[];
}

/** Other host names, such as Google's, for which the host answers by TLS, in the form that machines need. */
export interface Trusted {
  /** A certificate that machines trust, as PEM. */
  cert: string;
  /** The host names that resolve to the gateway's address. */
  names: readonly string[];
}

/** The result of a command inside a machine. */
export interface ExecResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs machines. Calls for one machine never overlap. Every method except `serial` and `exec` is idempotent, so that a daemon that was
 * killed between two steps can repeat them. An unknown name is an error only in `start`, `reset`, `serial` and `exec`.
 */
export interface Machines {
  /** Makes the machine's disk and address, or reuses existing ones; does not start the machine. */
  create(spec: MachineSpec): Promise<void>;
  /** Boots the machine; resolves when its init runs (not when it has booted). Does nothing if it runs. */
  start(name: string): Promise<void>;
  /** Shuts down cleanly and, after the driver's own time limit, by force. The disk stays. `onExit` is not called. */
  stop(name: string): Promise<void>;
  /** Cuts the power and boots again, from the same disk. */
  reset(name: string): Promise<void>;
  /** Stops the machine at once and removes all of it, including the disk. */
  delete(name: string): Promise<void>;
  /** The machine's output on its serial console since its last start. */
  serial(name: string): Promise<string>;
  /** Runs a command in the machine as root. */
  exec(name: string, argv: readonly string[]): Promise<ExecResult>;
  /** Called when a machine ended by itself (it was powered off from inside, or died). A reboot from inside does not count. */
  onExit(callback: (name: string) => void): void;
  /** Cuts the power of all machines; disks stay. */
  close(): Promise<void>;
}

/** The cloud's network. The host itself is not part of it. */
export interface Network {
  /** Gives the network's router (the bridge) a subnetwork's gateway address. Idempotent. */
  addGateway(address: string, prefixLength: number): Promise<void>;
  removeGateway(address: string, prefixLength: number): Promise<void>;
  /** A server that listens in the cloud's network. The caller adds the handler for connections. */
  listen(port: number, address: string): Promise<net.Server>;
  /** A connection from the cloud's network to a machine. Rejects with the system's error (ECONNREFUSED, EHOSTUNREACH …). */
  dial(address: string, port: number): Promise<net.Socket>;
  /** Runs a program of the host (with its files, as its user) in the cloud's network. The program ends with the network. */
  spawnInside(argv: readonly string[]): ChildProcess;
  /** Ends everything in the network and removes it. */
  close(): Promise<void>;
}
