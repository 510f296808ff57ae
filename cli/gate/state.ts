/** What a gate is asked, sees and knows: the shapes that its decisions work on. */
import type { Report } from "../../rules/contract";
import type { Budget } from "./budget";
import type { Decisions, FleetVm } from "../fleet";
import type { VmReports } from "../reports";

/** What a gate waits for, and for how long. Times in seconds. */
export interface GateOptions {
  wave: string;
  /** The approved revision, in full. */
  revision: string;
  maxFailures: Budget;
  /** For a VM that has reported before. */
  timeout: number;
  /** Until a VM's first report ever. */
  bootTimeout: number;
  /** How long the wave has to stand, once its VMs have answered, before it has passed. */
  pause: number;
  /** Whether a home's failure counts as its VM's. */
  homes: "gate" | "report";
  /** The waves in which the revision was undone: then the gate waits until their VMs have left it. */
  undo?: readonly string[];
}

export type Result = "pending" | "succeeded" | "failed" | "deferred";

/** What the gate saw at one moment. */
export interface Observation {
  /** Seconds since the gate started. */
  at: number;
  decisions: Decisions;
  /** The wave's VMs; without reports where a VM could not be asked just now. */
  vms: { vm: FleetVm; reports?: VmReports | undefined }[];
}

/** What the gate knows of a VM. */
export interface VmProgress {
  vm: FleetVm;
  result: Result;
  /** In one line; null where there is nothing to say. */
  reason: string | null;
  reports: VmReports | undefined;
  /** The VM's report when the gate first saw it. */
  baseline: Report | null;
  /** When, in seconds since the gate's start, the VM was first expected to answer. */
  since: number;
  /** Whether it had ever reported. */
  reported: boolean;
  /** When its result last changed, in seconds since the gate's start. */
  changedAt: number;
}

/** What the gate knows. */
export interface GateState {
  vms: ReadonlyMap<string, VmProgress>;
  /** Since when, in seconds, the wave has been approved for something else. */
  supersededSince: number | undefined;
  /** Set when the gate has to fail whatever its VMs say. */
  stop: string | undefined;
}

export const noProgress: GateState = { vms: new Map(), supersededSince: undefined, stop: undefined };

/** When the gate ends at the latest, in seconds since its start. */
export function hardEnd({ timeout, bootTimeout, pause }: GateOptions): number {
  return timeout + bootTimeout + pause;
}
