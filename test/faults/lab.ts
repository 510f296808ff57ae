/** A cloud for faults: real machines, the real API and metadata server, all in this process, so that a test can break each. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { InstanceMetadata } from "../../contracts";
import { agentFiles, renderStartupScript } from "../../infra/startup";
import { openCloud } from "../../local/api/cloud";
import { Store } from "../../local/api/store";
import { emptyState } from "../../local/api/types";
import { openCloud as openMachines, type Cloud as Host } from "../../local/machines/cloud";
import { cloudNames, machineNames, type MachineNames } from "../../local/machines/names";
import { ip } from "../../local/machines/namespaces";
import { metadataAddress } from "../../local/machines/network";
import { metadataServer } from "../../local/metadata/server";
import { buildImage } from "../agents/host";
import { makeInstance, makeNetwork, serve } from "../unit/api-client";
import { Source } from "./source";
import { Vm } from "./vm";

/** The agent's own limits, shortened: a test of a thing that hangs should not take the hours that a machine may. */
const limits = {
  NIXOS_AUTO_UPDATE_FETCH_TIMEOUT: "4",
  NIXOS_AUTO_UPDATE_SWITCH_TIMEOUT: "8",
  NIXOS_AUTO_UPDATE_SETTLE: "1",
  NIXOS_AUTO_UPDATE_REACH: "6",
  NIXOS_AUTO_UPDATE_RETRY: "4",
};

export class Lab {
  private readonly closers: (() => unknown)[] = [];
  private ports = 9418;

  private constructor(
    readonly state: string,
    private readonly host: Host,
    private readonly store: Store,
    private readonly insert: (name: string, about: InstanceMetadata) => Promise<void>,
  ) {}

  static async open(): Promise<Lab> {
    const image = await buildImage();
    const state = mkdtempSync(path.join(tmpdir(), "nixos-fleet-faults-"));
    const host = await openMachines(state, image);
    const store = new Store(emptyState("local-project", new Date().toISOString()), () => Promise.resolve());
    const served = await serve(openCloud(store, host.machines, host.network));
    await makeNetwork(served);
    const startup = renderStartupScript(agentFiles());
    const insert = (name: string, about: InstanceMetadata) =>
      makeInstance(served, name, {
        metadata: {
          items: [
            { key: "nixos-fleet", value: JSON.stringify(about) },
            { key: "startup-script", value: startup },
            { key: "enable-guest-attributes", value: "TRUE" },
          ],
        },
      });
    const lab = new Lab(state, host, store, insert);
    lab.closers.push(served.close, await lab.serveMetadata());
    return lab;
  }

  private async serveMetadata(): Promise<() => void> {
    const server = metadataServer(this.store);
    const listener = await this.host.network.listen(80, metadataAddress);
    listener.on("connection", (socket) => server.emit("connection", socket));
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

  /** A VM that follows a repository, booted and with its first update done. */
  async vm(name: string, source: Source): Promise<Vm> {
    await this.insert(name, {
      fleet: "devs",
      stack: "faults",
      host: source.hostName,
      repository: source.url,
      branch: "main",
      directory: "/etc/nixos",
      follow: "branch",
      homes: [],
    });
    const report = () => this.store.state.guestAttributes[name]?.["nixos-fleet/system"];
    const vm = new Vm(name, this.names(name), this.host.machines, report, (up) => this.cable(name, up));
    await vm.settle(limits);
    return vm;
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
