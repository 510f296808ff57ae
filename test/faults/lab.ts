/** A cloud for faults: real machines, the real API and metadata server, all in this process, so that a test can break each. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { startupKey } from "../../rules/contract";
import type { InstanceMetadata } from "../../rules/instance-metadata";
import { startupLoader, startupScript } from "../../infra/startup";
import { openCloud } from "../../local/api/cloud";
import { Store } from "../../local/api/store";
import { setPolicy, policyOf } from "../../local/api/services/iam";
import { secrets } from "../../local/api/services/secret-manager";
import { emptyState } from "../../local/api/types";
import { groupOf, processesOf } from "../../local/machines/cgroup";
import { openCloud as openMachines, type Cloud as Host } from "../../local/machines/cloud";
import type { Trusted } from "../../local/machines/driver";
import { cloudNames, machineNames, type MachineNames } from "../../local/machines/names";
import { ip } from "../../local/machines/namespaces";
import { metadataAddress } from "../../local/machines/network";
import { secretManager } from "../../local/metadata/secret-manager";
import { byAddress, metadataServer } from "../../local/metadata/server";
import { buildImage, downAfterUs } from "../agents/setup/host";
import { makeInstance, makeNetwork, serve } from "../unit/local/client";
import { patience } from "../setup/pace";
import { Source } from "./source";
import { Vm } from "./vm";

/** Seconds on an idle machine, in whole seconds on this one. */
const scaled = (seconds: number) => String(Math.ceil(patience(seconds) / 1000));

/** The agent's own limits, shortened: a test of a thing that hangs should not take the hours that a machine may. */
export const limits = {
  NIXOS_AUTO_UPDATE_FETCH_TIMEOUT: scaled(4),
  // A switch takes 2 s where nothing else runs, and 10 s beside the boots of a dozen machines.
  NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT: scaled(15),
  NIXOS_AUTO_UPDATE_SETTLE: "1",
  NIXOS_AUTO_UPDATE_REACH: scaled(6),
  NIXOS_AUTO_UPDATE_STALL: scaled(2),
  // A test looks at a VM between two tries.
  NIXOS_AUTO_UPDATE_RETRY: scaled(4),
  NIXOS_AUTO_UPDATE_PAUSE: "1",
};

const [fleet, stack] = ["devs", "faults"] as const;

/** The account that VMs run as. */
const account = "vms@local-project.iam.gserviceaccount.com";

export class Lab {
  private readonly closers: (() => unknown)[] = [];
  private ports = 9418;
  /** What the metadata server was asked and has answered so far, in bytes of connections that have ended; `paths` with their method. */
  readonly asked = { requests: 0, received: 0, sent: 0, paths: new Array<string>() };

  private constructor(
    readonly state: string,
    private readonly host: Host,
    private readonly store: Store,
    private readonly insert: (name: string, about: InstanceMetadata) => Promise<void>,
  ) {}

  /**
   * @param first shell lines that every machine runs at its boot, before the fleet's startup script
   * @param trusted whom machines trust besides, for hosts that the lab answers for
   */
  static async open({ first = "", trusted }: { first?: string; trusted?: Trusted } = {}): Promise<Lab> {
    const image = await buildImage();
    const state = mkdtempSync(path.join(tmpdir(), "nixos-fleet-faults-"));
    downAfterUs(state);
    const host = await openMachines(state, image, trusted);
    const store = new Store(emptyState("local-project", new Date().toISOString()), () => Promise.resolve());
    const served = await serve(openCloud(store, host.machines, host.network, path.join(state, "objects")));
    await makeNetwork(served);
    const script = startupScript();
    const startup = `#!/bin/sh\n${first}\n${startupLoader({ fleet, stack }, script)}`;
    const insert = (name: string, about: InstanceMetadata) =>
      makeInstance(served, name, {
        serviceAccounts: [{ email: account, scopes: ["https://www.googleapis.com/auth/cloud-platform"] }],
        metadata: {
          items: [
            { key: "nixos-fleet", value: JSON.stringify(about) },
            { key: "startup-script", value: startup },
            { key: "enable-guest-attributes", value: "TRUE" },
          ],
        },
      });
    const lab = new Lab(state, host, store, insert);
    lab.setItem(startupKey(fleet, stack), script);
    lab.closers.push(served.close, await lab.serveMetadata());
    return lab;
  }

  private async serveMetadata(): Promise<() => void> {
    const server = metadataServer(this.store);
    server.on("request", ({ method = "", url = "" }: IncomingMessage) => {
      this.asked.requests++;
      this.asked.paths.push(`${method} ${url}`);
    });
    const listener = await this.host.network.listen(80, metadataAddress);
    listener.on("connection", (socket) => {
      socket.once("close", () => {
        this.asked.received += socket.bytesRead;
        this.asked.sent += socket.bytesWritten;
      });
      server.emit("connection", socket);
    });
    return () => {
      server.closeAllConnections();
      listener.close();
    };
  }

  /** A configuration repository with a git server of its own. */
  async source(): Promise<Source> {
    const port = this.ports++;
    return Source.open(path.join(this.state, `source-${port}`), port, this.host.network);
  }

  /** A VM that follows a repository, booted and with its first update done; `more` goes into its metadata. */
  async vm(name: string, source: Source, more: Partial<InstanceMetadata> = {}): Promise<Vm> {
    const vm = await this.newVm(name, source, more);
    await vm.settle(limits);
    return vm;
  }

  /** The same, as it is when it begins to boot for the first time. */
  async newVm(name: string, source: Source, more: Partial<InstanceMetadata> = {}): Promise<Vm> {
    await this.insert(name, {
      fleet,
      stack,
      host: source.hostName,
      repository: source.url,
      branch: "main",
      directory: "/etc/nixos",
      follow: "branch",
      homes: [],
      ...more,
    });
    const published = (key: string) => this.store.state.guestAttributes[name]?.[`nixos-fleet/${key}`];
    return new Vm(name, this.names(name), this.host.machines, published, (up) => this.cable(name, up));
  }

  /** Sets an item of the project's metadata, such as an approval. */
  tell(key: string, value: object): void {
    this.setItem(key, JSON.stringify(value));
  }

  private setItem(key: string, value: string): void {
    const { metadata } = this.store.state.project;
    const others = (metadata.items ?? []).filter((item) => item.key !== key);
    metadata.items = [...others, { key, value }];
    this.store.changed();
  }

  /** Answers what VMs ask Secret Manager. */
  readonly secretManager: ReturnType<typeof secretManager> = (request, response) =>
    secretManager(this.store, byAddress(this.store))(request, response);

  /** Makes a text the latest version of a secret; answers the secret's name. */
  keepSecret(id: string, text: string): string {
    const name = `projects/${this.store.project}/secrets/${id}`;
    const ask = (pathname: string, query: string, body: Record<string, unknown>) =>
      secrets(this.store, { method: "POST", pathname, query: new URLSearchParams(query), body });
    if (!this.store.state.secrets?.[id])
      ask(`/secretmanager/v1/projects/${this.store.project}/secrets`, `secretId=${id}`, {});
    ask(`/secretmanager/v1/${name}:addVersion`, "", { payload: { data: Buffer.from(text).toString("base64") } });
    return name;
  }

  /** Lets VMs read a secret. */
  allowSecret(name: string): void {
    const { etag } = policyOf(this.store, name);
    const bindings = [{ role: "roles/secretmanager.secretAccessor", members: [`serviceAccount:${account}`] }];
    setPolicy(this.store, name, { policy: { bindings, etag } });
  }

  /** All that the cloud knows, but for what is in its secrets. */
  get known(): string {
    return JSON.stringify({ ...this.store.state, secrets: undefined });
  }

  /** A server in the VMs' network, at git.internal; a connection is the caller's to answer. */
  async listen(port: number, connected: (socket: net.Socket) => void): Promise<void> {
    const listener = await this.host.network.listen(port, "0.0.0.0");
    listener.on("connection", connected);
    this.closers.push(() => listener.close());
  }

  /** A connection to one of the servers that the VMs reach at git.internal. */
  dial(port: number): Promise<net.Socket> {
    return this.host.network.dial(metadataAddress, port);
  }

  /** Seconds of CPU that a VM has used so far, those of processes that have ended included. */
  cpu(name: string): number {
    const { cgroup } = this.names(name);
    const [first] = processesOf(cgroup);
    if (first === undefined) throw new Error(`${name} does not run`);
    const group = groupOf(first);
    const file = path.join(group.slice(0, group.indexOf(cgroup) + cgroup.length), "cpu.stat");
    return Number(/^usage_usec (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1]) / 1e6;
  }

  /** Ends a VM at once; its repository stays. */
  remove(name: string): Promise<void> {
    return this.host.machines.delete(name);
  }

  private names(name: string): MachineNames {
    return machineNames(cloudNames(this.state), name);
  }

  /** Pulls a VM's cable out of the bridge, or puts it back. */
  private cable(name: string, up: boolean): Promise<void> {
    return ip(cloudNames(this.state).namespace, [`link set ${this.names(name).link} ${up ? "up" : "down"}`]);
  }

  async close(): Promise<void> {
    await this.host.close();
    for (const close of this.closers) await close();
    rmSync(this.state, { recursive: true, force: true });
  }
}
