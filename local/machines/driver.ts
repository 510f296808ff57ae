/**
 * What the local cloud's API asks of whatever runs its machines and carries their packets. The real ones are containers in network
 * namespaces; tests have one in memory. Nothing here knows of Compute's resources.
 */
import type { ChildProcess } from "node:child_process";
import type * as net from "node:net";
import type { DataDisk } from "./data-disk";

/** A machine as the driver needs to know it. */
export interface MachineSpec {
  /** Unique in a cloud; a valid Compute instance name. */
  name: string;
  /** The full host name; the driver may cut it to what a host name may be. */
  hostname: string;
  /** IPv4 address in the cloud's network. */
  address: string;
  /** IPv4 address of the subnetwork's gateway: default route, and the host of the git server. */
  gateway: string;
  /** Bits of the subnetwork's mask. */
  prefixLength: number;
  /** The data disks that it boots with; none by default. */
  disks?: readonly DataDisk[];
}

/** Names of others, such as Google's, for which the host answers by TLS, as machines have to know them. */
export interface Trusted {
  /** A certificate that machines trust, as PEM. */
  cert: string;
  /** Where the gateway's address is to be found under these. */
  names: readonly string[];
}

/** What a command inside a machine answered. */
export interface ExecResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs machines. Calls for one machine never overlap. Every method but `serial` and `exec` is idempotent, so that a daemon that was killed
 * between two steps can repeat them; an unknown name is an error in `start`, `reset`, `serial` and `exec` only.
 */
export interface Machines {
  /** Makes the machine's disk and address, or takes up the ones that are there; does not start it. */
  create(spec: MachineSpec): Promise<void>;
  /** Boots the machine; resolves when its init runs (not when it has booted). Nothing happens if it runs. */
  start(name: string): Promise<void>;
  /** Shuts down in order and, after a limit of the driver's own, by force. The disk stays. `onExit` is not called. */
  stop(name: string): Promise<void>;
  /** Pulls the plug and boots again, from the same disk. */
  reset(name: string): Promise<void>;
  /** Stops the machine at once and removes all of it, disk included. */
  delete(name: string): Promise<void>;
  /** All that the machine wrote to its serial console since its last start. */
  serial(name: string): Promise<string>;
  /** Runs a command in the machine as root. */
  exec(name: string, argv: readonly string[]): Promise<ExecResult>;
  /** Called when a machine ended by itself (it was powered off from inside, or died). A reboot from inside is no exit. */
  onExit(callback: (name: string) => void): void;
  /** Pulls the plug of all machines; disks stay. */
  close(): Promise<void>;
}

/** The cloud's network, which the host itself is not part of. */
export interface Network {
  /** Gives the network's router (the bridge) a subnetwork's gateway address. Idempotent. */
  addGateway(address: string, prefixLength: number): Promise<void>;
  removeGateway(address: string, prefixLength: number): Promise<void>;
  /** A server that listens in the cloud's network; the handler for connections is the caller's to add. */
  listen(port: number, address: string): Promise<net.Server>;
  /** A connection from the cloud's network to a machine. Rejects with the system's error (ECONNREFUSED, EHOSTUNREACH …). */
  dial(address: string, port: number): Promise<net.Socket>;
  /** Runs a program of the host (its files, its user) in the cloud's network. It ends with the network. */
  spawnInside(argv: readonly string[]): ChildProcess;
  /** Ends everything in the network and removes it. */
  close(): Promise<void>;
}
