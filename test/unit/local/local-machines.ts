/** Machines and a network that are nothing but memory, for tests of what uses them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecResult, Machines, MachineSpec } from "../../../local/machines/driver";
import { openCloud, type Cloud } from "../../../local/api/cloud";
import { Store } from "../../../local/api/store";
import { emptyState, type CloudState } from "../../../local/api/types";

export class MemoryMachines implements Machines {
  readonly specs = new Map<string, MachineSpec>();
  readonly running = new Set<string>();
  /** What was called, `method name`. */
  readonly calls: string[] = [];
  /** Milliseconds that every call takes. */
  pace = 1;
  private held: Promise<void> | undefined;
  /** Called before each call; what it throws the call throws. */
  fault: (call: string) => void = () => undefined;
  private callback: (name: string) => void = () => undefined;

  async create(spec: MachineSpec): Promise<void> {
    await this.called("create", spec.name);
    this.specs.set(spec.name, spec);
  }

  async start(name: string): Promise<void> {
    await this.called("start", name);
    this.running.add(name);
  }

  async stop(name: string): Promise<void> {
    await this.called("stop", name);
    this.running.delete(name);
  }

  reset(name: string): Promise<void> {
    return this.called("reset", name);
  }

  async delete(name: string): Promise<void> {
    await this.called("delete", name);
    this.running.delete(name);
    this.specs.delete(name);
  }

  serial(name: string): Promise<string> {
    return Promise.resolve(`boot of ${name}\n`);
  }

  exec(): Promise<ExecResult> {
    return Promise.resolve({ exitCode: 0, stdout: "", stderr: "" });
  }

  onExit(callback: (name: string) => void): void {
    this.callback = callback;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** From now on no call ends. @returns what lets them end */
  hold(): () => void {
    let release: () => void = () => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return () => {
      this.held = undefined;
      release();
    };
  }

  /** As a machine that is powered off from inside. */
  powerOff(name: string): void {
    this.running.delete(name);
    this.callback(name);
  }

  private async called(method: string, name: string): Promise<void> {
    this.calls.push(`${method} ${name}`);
    await (this.held ?? sleep(this.pace));
    this.fault(`${method} ${name}`);
  }
}

export interface MemoryCloud extends Cloud {
  machines: MemoryMachines;
  /** Gateways that the network has. */
  gateways: Set<string>;
  /** The state as it was last saved. */
  saved: () => CloudState | undefined;
}

/** A cloud in memory whose operations take `delay` milliseconds; `objects` is where the objects of Cloud Storage go, for tests that have some. */
export function memoryCloud(
  state = emptyState("local-project", "2026-06-01T10:00:00.000Z"),
  delay = 5,
  objects = "/dev/null/objects",
): MemoryCloud {
  let saved: CloudState | undefined;
  const store = new Store(state, async (content) => {
    await sleep(1);
    saved = structuredClone(content);
  });
  const gateways = new Set<string>();
  const network = {
    addGateway: (address: string, prefixLength: number) => {
      gateways.add(`${address}/${prefixLength}`);
      return Promise.resolve();
    },
    removeGateway: (address: string, prefixLength: number) => {
      gateways.delete(`${address}/${prefixLength}`);
      return Promise.resolve();
    },
  };
  const machines = new MemoryMachines();
  return { ...openCloud(store, machines, network, objects, delay), machines, gateways, saved: () => saved };
}
