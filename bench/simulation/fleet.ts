/**
 * A simulated fleet behind the local cloud's own API: VMs that are nothing but memory and answer an approval some seconds later, as
 * an agent does. Real are the API, the requests to it and the commands that make them; simulated are machines and agents.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { approvalKey, contract } from "../../rules/contract";
import { apiServer } from "../../local/api/server";
import type { Metadata } from "../../local/api/types";
import { memoryCloud } from "../../test/unit/local/local-machines";
import type { Approval } from "../../rules/rollout/approval";
import { startupLoader, startupScript } from "../../infra/startup";
import type { Report } from "../../rules/report";

const [fleet, stack, zone] = ["bench", "simulated", "europe-west1-b"];
const booted = "2026-06-01T10:00:00Z";
const { namespace, system } = contract.guestAttributes;

/** Seconds that a simulated VM takes to apply an approval: from, to. */
export const takes = [2, 8] as const;

export class SimulatedFleet {
  /** Requests that the API has got, by kind. */
  readonly calls = new Map<string, number>();
  private readonly cloud = memoryCloud();
  private readonly server: Server = apiServer(this.cloud);
  /** Called with the next request. */
  private onRequest: () => void = () => undefined;
  private readonly timers = new Set<NodeJS.Timeout>();
  private fingerprint = 0;

  /** @param waves wave → number of its VMs */
  constructor(private readonly waves: Readonly<Record<string, number>>) {
    for (const [wave, size] of Object.entries(waves)) {
      for (let index = 0; index < size; index++) this.add(nameOf(wave, index), wave);
    }
    this.server.on("request", ({ method = "", url = "" }: { method?: string; url?: string }) => {
      const kind = `${method} ${url.split("?")[0]?.split("/").at(-1) ?? ""}`;
      this.calls.set(kind, (this.calls.get(kind) ?? 0) + 1);
      this.onRequest();
    });
  }

  /** Serves; the environment in which the operator's tool finds this fleet. */
  async start(): Promise<Record<string, string>> {
    await new Promise<void>((listening) => this.server.listen(0, "127.0.0.1", listening));
    const { port } = this.server.address() as AddressInfo;
    return {
      NIXOS_FLEET_COMPUTE_ENDPOINT: `http://127.0.0.1:${port}/compute/v1/`,
      NIXOS_FLEET_READ_INTERVAL: "1s",
      NIXOS_FLEET_LOGGING_ENDPOINT: `http://127.0.0.1:${port}/logging/`,
      NIXOS_FLEET_FLEET: fleet,
      NIXOS_FLEET_STACK: stack,
      GOOGLE_CLOUD_PROJECT: this.cloud.store.project,
      GOOGLE_OAUTH_ACCESS_TOKEN: "simulated",
    };
  }

  stop(): void {
    this.timers.forEach((timer) => clearTimeout(timer));
    this.server.closeAllConnections();
    this.server.close();
  }

  /** All requests since the last time that this was asked. */
  takeCalls(): number {
    const sum = [...this.calls.values()].reduce((all, one) => all + one, 0);
    this.calls.clear();
    return sum;
  }

  /** Approves a revision for a wave, as `pulumi up` does; its VMs apply it while the next gate waits. */
  approve(wave: string, approval: Approval): void {
    const { metadata } = this.cloud.store.state.project;
    const key = approvalKey(fleet, stack, wave);
    const others = (metadata.items ?? []).filter((item) => item.key !== key);
    const items = [...others, { key, value: JSON.stringify(approval) }];
    this.cloud.store.state.project.metadata = this.metadata(items);
    this.onRequest = () => {
      this.onRequest = () => undefined;
      for (let index = 0; index < (this.waves[wave] ?? 0); index++) this.takeIn(nameOf(wave, index), approval);
    };
  }

  /** Has all VMs at a revision already. */
  settle(approval: Approval): void {
    for (const [wave, size] of Object.entries(this.waves)) {
      this.approve(wave, approval);
      for (let index = 0; index < size; index++) this.report(nameOf(wave, index), approval);
    }
    this.onRequest = () => undefined;
  }

  /** A VM's agent: it reports some seconds later. */
  private takeIn(name: string, approval: Approval): void {
    const later = 1_000 * (takes[0] + (takes[1] - takes[0]) * Math.random());
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.report(name, approval);
    }, later);
    this.timers.add(timer);
  }

  private report(name: string, { revision, lock }: Approval): void {
    const report: Report = {
      revision,
      approved: revision,
      lock,
      toplevel: `/nix/store/${"0".repeat(32)}-nixos-system-${name}`,
      outcome: "updated",
      rolledBack: false,
      rebootRequired: false,
      at: new Date().toISOString(),
      bootedAt: booted,
      agent: contract.agent,
    };
    this.cloud.store.state.guestAttributes[name] = { [`${namespace}/${system}`]: JSON.stringify(report) };
  }

  private add(name: string, wave: string): void {
    const { store } = this.cloud;
    const { labels } = contract;
    const path = `zones/${zone}/instances/${name}`;
    const described = { fleet, stack, host: name, wave, repository: "git://x/y", branch: "main", homes: [] };
    const fields = {
      zone: store.link(`zones/${zone}`),
      status: "RUNNING",
      labels: {
        [labels.fleet]: fleet,
        [labels.stack]: stack,
        [labels.wave]: wave,
        [labels.owner]: `${name}_example_com`,
      },
      metadata: this.metadata([
        { key: contract.instanceMetadata.key, value: JSON.stringify(described) },
        { key: "startup-script", value: startupLoader({ fleet, stack }, startupScript()) },
      ]),
      networkInterfaces: [{ networkIP: "10.0.0.2" }],
      lastStartTimestamp: booted,
    };
    store.put(path, { ...store.common("compute#instance", path, name), ...fields });
  }

  private metadata(items: Metadata["items"] & object): Metadata {
    this.fingerprint += 1;
    return { kind: "compute#metadata", fingerprint: String(this.fingerprint), items };
  }
}

function nameOf(wave: string, index: number): string {
  return `${wave}-${String(index).padStart(4, "0")}`;
}
