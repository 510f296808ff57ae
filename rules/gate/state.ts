/** The shapes that a gate's decisions work on: its settings, its observations and its state. Times are in seconds. */
import type { Approval } from "../rollout/approval";
import type { Follow } from "../contract";
import type { Control } from "../rollout/control-item";
import type { Home } from "../instance-metadata";
import type { VmReports } from "../report-reading";
import type { Report, WaitingFor } from "../report";
import type { Budget } from "./budget";

/** What a gate waits for, and for how long. */
export interface GateOptions {
  wave: string;
  /** The approved revision, in full. */
  revision: string;
  /** The wave's VMs by name; without it, those whose metadata name the wave. */
  members?: readonly string[] | undefined;
  /** The waves after this one. If there are any, the gate asks for proof. */
  laterWaves: readonly string[];
  /** How many VMs must have proved the revision before later waves get it. */
  minSucceeded: number;
  maxFailures: Budget;
  /** For a VM that has reported before. */
  timeout: number;
  /** Until a VM exists, and from then until its first report. */
  bootTimeout: number;
  /** How long the wave must run the revision, after its VMs have answered, before it passes. */
  pause: number;
  /** Whether a home's failure counts as its VM's. */
  homes: "gate" | "report";
  /** Whether the wave's VMs reboot if the update needs it: the gate then waits for the reboot. */
  reboot: boolean;
  /** Whether the wave has passed this revision before. Then the gate only reports how its VMs are. */
  passedBefore: boolean;
  /** The waves in which the revision was rolled back: the gate then waits until their VMs have left it. */
  undo?: readonly string[];
}

/** A VM as a gate sees it. */
export interface GateVm {
  name: string;
  zone: string;
  /** Compute's name for its status, such as RUNNING or TERMINATED. */
  state: string;
  wave: string | null;
  follow: Follow;
  homes: Home[];
}

/** What is approved and what is held. */
export interface GateDecisions {
  /** By wave. */
  approvals: Record<string, Approval>;
  control: Control;
}

/** `deferred`: neither a failure nor proof. */
export type Result = "pending" | "succeeded" | "failed" | "deferred";

/** Why a VM is neither a failure nor proof of the revision. */
export type Deferral = WaitingFor | "stopped" | "held" | "pinned" | "deferred" | "undone" | "ahead";

/** The gate's result for a VM at one moment. */
export interface VmResult {
  result: Result;
  /** In one line; null if there is nothing to say. */
  reason: string | null;
  /** Whether the VM runs the approved revision successfully. */
  proof?: boolean;
  deferral?: Deferral;
  /** Stage and text of a failure that the VM tries again by itself. */
  transient?: string;
  /** Whether it reboots now and proves the revision after that. */
  reboots?: boolean;
}

/** What the gate saw at one moment. */
export interface Observation {
  /** Since the gate started. */
  at: number;
  decisions: GateDecisions;
  /** The existing VMs of the wave; without reports if a VM could not be asked just now. */
  vms: { vm: GateVm; reports?: VmReports | undefined }[];
  /** How many VMs the whole fleet has now. */
  fleetSize: number;
}

/** What the gate knows of a VM. */
export interface VmProgress extends VmResult {
  name: string;
  /** Undefined until the VM exists for the first time. */
  vm: GateVm | undefined;
  reports: VmReports | undefined;
  /** The VM's report when the gate first saw it. */
  baseline: Report | null;
  /** When, since the gate's start, the VM was first expected to answer. */
  since: number;
  /** Whether it had ever reported. */
  reported: boolean;
  /** When its result last changed, since the gate's start. */
  changedAt: number;
  /** Since when it has reported the same transient failure. */
  transientSince: number | undefined;
  /** Since when it says that it reboots. */
  rebootingSince: number | undefined;
}

/** What the gate knows. */
export interface GateState {
  /** When it last looked, since its start. */
  at: number;
  vms: ReadonlyMap<string, VmProgress>;
  /** Members that existed and are deleted: the gate does not wait for them. */
  gone: ReadonlySet<string>;
  /** The most VMs that the fleet had (-1 before the first observation), and when that last grew: creating a large fleet takes long. */
  fleetSize: number;
  grownAt: number;
  /** Since when the wave has been approved for something else. */
  supersededSince: number | undefined;
  /** Set if the gate must fail whatever its VMs say. */
  stop: string | undefined;
  /** Whether the wave has been approved for something else since the gate's first look: then Pulumi did not write the approval. */
  unwritten: boolean;
}

export const noProgress: GateState = {
  at: 0,
  vms: new Map(),
  gone: new Set(),
  fleetSize: -1,
  grownAt: 0,
  supersededSince: undefined,
  stop: undefined,
  unwritten: false,
};

/** When the gate ends at the latest, since its start. */
export function hardEnd({ timeout, bootTimeout, pause }: GateOptions, { grownAt }: Pick<GateState, "grownAt">): number {
  return grownAt + timeout + bootTimeout + pause;
}
