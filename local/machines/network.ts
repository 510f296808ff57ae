/** The cloud's network: a bridge in its own namespace, so that the host shows nothing of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type net from "node:net";
import path from "node:path";
import { run } from "./command";
import type { Network } from "./driver";
import type { CloudNames } from "./names";
import { addNamespace, hasNamespace, ip, namespacePath, removeNamespace } from "./namespaces";
import type { Answer, Request } from "./netns";

const project = path.join(__dirname, "..", "..");

/** The link-local address of Google's metadata server. */
export const metadataAddress = "169.254.169.254";

/** The name under which machines reach the host and its git server. */
export const gitName = "git.internal";

/** The bridge that connects all machines. */
export const bridge = "br0";

/** Makes a cloud's network, or reuses an existing one. */
export async function openNetwork(cloud: CloudNames): Promise<Network> {
  if (!hasNamespace(cloud.namespace)) await makeNetwork(cloud.namespace);
  return new BridgedNetwork(cloud.namespace);
}

async function makeNetwork(namespace: string): Promise<void> {
  await addNamespace(namespace);
  await ip(namespace, [
    // Without an address of its own, the bridge takes the lowest address of its ports. If a machine comes or goes, the others' packets may
    // then go for some time to an address that no longer exists.
    `link add ${bridge} address 42:01:a9:fe:a9:fe type bridge`,
    `link set ${bridge} up`,
    `addr add ${metadataAddress}/32 dev ${bridge}`,
    // There is no way out: refuse at once, so that attempts do not run into their timeouts.
    "route add unreachable default",
  ]);
  // Only a router sends such refusals.
  await run(["nsenter", `--net=${namespacePath(namespace)}`, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
}

/** The callbacks that wait for the helper's answer. */
interface Waiting {
  resolve: (handle: net.Server | net.Socket) => void;
  reject: (error: Error) => void;
}

class BridgedNetwork implements Network {
  private readonly waiting = new Map<number, Waiting>();
  private readonly inside = new Set<ChildProcess>();
  private helper: ChildProcess | undefined;
  private requests = 0;

  constructor(private readonly namespace: string) {}

  async addGateway(address: string, prefixLength: number): Promise<void> {
    await ip(this.namespace, [`addr replace ${address}/${prefixLength} dev ${bridge}`]);
  }

  async removeGateway(address: string, prefixLength: number): Promise<void> {
    await ip(this.namespace, [`addr del ${address}/${prefixLength} dev ${bridge}`]).catch((error: unknown) => {
      // It has no such address, so there is nothing to do.
      if (!/cannot assign requested address|address not found/i.test(String(error))) throw error;
    });
  }

  async listen(port: number, address: string): Promise<net.Server> {
    return (await this.ask("listen", address, port)) as net.Server;
  }

  async dial(address: string, port: number): Promise<net.Socket> {
    return (await this.ask("dial", address, port)) as net.Socket;
  }

  spawnInside(argv: readonly string[]): ChildProcess {
    const child = this.enter(argv, ["ignore", "inherit", "inherit"]);
    this.inside.add(child);
    child.once("exit", () => this.inside.delete(child));
    return child;
  }

  async close(): Promise<void> {
    const children = [...this.inside, ...(this.helper === undefined ? [] : [this.helper])];
    const ended = children.map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ended);
    await removeNamespace(this.namespace);
  }

  /** Starts a program in the namespace. The program dies with this process, however this process dies. */
  private enter(argv: readonly string[], stdio: ("ignore" | "inherit" | "ipc")[]): ChildProcess {
    const entry = [`--net=${namespacePath(this.namespace)}`, "setpriv", "--pdeathsig", "KILL", "--", ...argv];
    return spawn("nsenter", entry, { stdio, cwd: project });
  }

  private ask(kind: Request["kind"], address: string, port: number): Promise<net.Server | net.Socket> {
    const request: Request = { id: ++this.requests, kind, address, port };
    const helper = (this.helper ??= this.startHelper());
    return new Promise<net.Server | net.Socket>((resolve, reject) => {
      this.waiting.set(request.id, { resolve, reject });
      helper.send(request, (error) => {
        if (error !== null) reject(error);
      });
    }).finally(() => this.waiting.delete(request.id));
  }

  private startHelper(): ChildProcess {
    const argv = [path.join(project, "tools/run-program"), "local/machines/netns.ts"];
    const helper = this.enter(argv, ["ignore", "inherit", "inherit", "ipc"]);
    helper.on("message", (answer: Answer, handle: net.Server | net.Socket | undefined) => {
      const waiting = this.waiting.get(answer.id);
      if (answer.error !== undefined) waiting?.reject(Object.assign(new Error(answer.error.message), answer.error));
      else if (handle === undefined) waiting?.reject(new Error("the connection ended before it was handed over"));
      else waiting?.resolve(handle);
    });
    const lost = (error: Error) => {
      this.helper = undefined;
      for (const waiting of this.waiting.values()) waiting.reject(error);
    };
    helper.once("error", lost);
    helper.once("exit", () => lost(new Error("the helper in the cloud's network ended")));
    return helper;
  }
}
