/** A loopback port for each machine that leads to its SSH server, in place of Google's IAP tunnel. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Store } from "./api/store";
import type { Network } from "./machines/driver";

const SSH = 22;

/** Listens for all existing instances, as they come and go. Ports stay the same across restarts of the daemon, if they are free. */
export class Forwards {
  private readonly servers = new Map<string, Server>();
  private readonly sockets = new Set<Socket>();
  private work: Promise<void> = Promise.resolve();
  private readonly unsubscribe: () => void;
  private closed = false;

  constructor(
    private readonly store: Store,
    private readonly network: Pick<Network, "dial">,
    /** Called with the ports by instance name when they change. */
    private readonly publish: (ports: Record<string, number>) => Promise<void>,
  ) {
    this.unsubscribe = store.onChange(() => this.follow());
  }

  /** Resolves when there is a port for each instance. */
  async ready(): Promise<void> {
    this.follow();
    await this.work;
    await this.publish(this.store.state.sshPorts);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.unsubscribe();
    await this.work;
    for (const server of this.servers.values()) {
      server.close();
    }
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  private follow(): void {
    const names = new Set(this.store.instances().map(({ name }) => name));
    const same = names.size === this.servers.size && [...names].every((name) => this.servers.has(name));
    if (!same) {
      this.work = this.work.then(() => this.change()).catch((error: unknown) => console.error("ssh:", error));
    }
  }

  private async change(): Promise<void> {
    const instances = this.closed ? [] : this.store.instances();
    const names = new Set(instances.map(({ name }) => name));
    for (const [name, server] of this.servers) {
      if (!names.has(name)) {
        server.close();
        this.servers.delete(name);
      }
    }
    const missing = instances.filter(({ name }) => !this.servers.has(name));
    for (const { name } of missing) {
      await this.listen(name);
    }
    await this.publish(this.store.state.sshPorts);
  }

  private async listen(name: string): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => void this.forward(name, socket));
    const port = await listenOn(server, this.store.state.sshPorts[name] ?? 0);
    this.servers.set(name, server);
    this.store.state.sshPorts = { ...this.store.state.sshPorts, [name]: port };
    await this.store.saved();
  }

  private async forward(name: string, socket: Socket): Promise<void> {
    this.keep(socket);
    const address = this.store.instance(name)?.networkInterfaces[0]?.networkIP;
    try {
      const inside = await this.network.dial(address ?? "", SSH);
      this.keep(inside);
      // Each end may finish sending and still receive.
      inside.allowHalfOpen = true;
      await pipeline(socket, inside, socket);
    } catch {
      // The machine is off, does not listen yet, or went away. The caller's connection ends, as with a tunnel.
      socket.destroy();
    }
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.sockets.delete(socket));
  }
}

/** Listens on loopback, on the given port if it is free (0: on any); returns the port. */
export async function listenOn(server: Server, wanted: number): Promise<number> {
  server.listen(wanted, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if (wanted === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") {
      throw error;
    }
    return listenOn(server, 0);
  }
  return (server.address() as AddressInfo).port;
}
