/** A project in memory, for tests that run a whole gate. */
import { approvalKey, controlKey } from "../../../rules/contract";
import { ApiError } from "../../../cli/google/api-error";
import { awaitWave, type GateEnd, type GateWorld } from "../../../cli/gate/await";
import type { Compute, Instance } from "../../../cli/google/compute";
import { readControl } from "../../../cli/control-item";
import type { GateOptions } from "../../../rules/gate/state";
import { approval, good, old, report } from "../cli/fleet-samples";
import type { Control } from "../../../rules/rollout/control-item";
import { options as samples } from "./samples";

export const id = { fleet: "devs", stack: "dev" };
export const options: GateOptions = { ...samples, timeout: 600, bootTimeout: 300 };

/** A project in memory in which things happen at set times, in seconds. */
export class Project implements Compute {
  readonly project = "p";
  readonly guestAttributesInterval: number = 1_000;
  time = 0;
  /** By how many seconds the gate's date differs from the VMs'. */
  wrongBy = 0;
  asked: string[] = [];
  states = new Map<string, string>();
  /** Where a VM is in another wave than `rest`. */
  waves = new Map<string, string>();
  metadata: Record<string, string> = { [approvalKey("devs", "dev", "rest")]: JSON.stringify(approval(good)) };
  reports = new Map<string, string>();
  /** What happens when; run once each. */
  events: [at: number, happen: () => void][] = [];
  down = false;
  lines: string[] = [];
  interrupt = new AbortController();

  constructor(names: string[]) {
    for (const name of names) {
      this.states.set(name, "RUNNING");
      this.say(name, { revision: old, approved: old, at: "before" });
    }
  }

  say(name: string, changes: Parameters<typeof report>[0]): void {
    this.reports.set(name, JSON.stringify(report(changes)));
  }

  async instances(): Promise<Instance[]> {
    await this.check();
    return [...this.states].map(([name, state]) => {
      const metadata = { "nixos-fleet": JSON.stringify({ wave: this.waves.get(name) ?? "rest" }) };
      return { name, zone: "z", state, labels: {}, metadata };
    });
  }

  async guestAttributes({ name }: { name: string }): Promise<Record<string, string>> {
    await this.check();
    this.asked.push(name);
    const system = this.reports.get(name);
    return system === undefined ? {} : { system };
  }

  async projectMetadata(): Promise<Record<string, string>> {
    await this.check();
    return this.metadata;
  }

  async editProjectItem(key: string, edit: (items: Record<string, string>) => string | undefined): Promise<void> {
    await this.check();
    const { [key]: _, ...others } = this.metadata;
    const after = edit(this.metadata);
    this.metadata = after === undefined ? others : { ...others, [key]: after };
  }

  /** What the control item says. */
  control(): Control {
    return readControl(this.metadata[controlKey("devs", "dev")]);
  }

  run(changes: Partial<GateOptions> = {}): Promise<GateEnd> {
    return awaitWave(this.world(), id, { ...options, ...changes });
  }

  /** This project, with a clock that runs as fast as one looks. */
  world(): GateWorld {
    const clock = {
      now: () => this.time * 1_000,
      date: () => Date.parse("2026-01-01T12:00:00Z") + (this.time + this.wrongBy) * 1_000,
      sleep: (milliseconds: number) => {
        this.time += milliseconds / 1_000;
        const due = this.events.filter(([at]) => at <= this.time);
        this.events = this.events.filter(([at]) => at > this.time);
        due.forEach(([, happen]) => happen());
        return Promise.resolve();
      },
    };
    const print = (line: string) => void this.lines.push(line);
    return { compute: this, print, colour: false, signal: this.interrupt.signal, clock };
  }

  private check(): Promise<void> {
    return this.down
      ? Promise.reject(new ApiError("HTTP 503: Backend Error", 503, "backendError", true))
      : Promise.resolve();
  }
}
