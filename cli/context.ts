import { hostname, userInfo } from "node:os";
import { didYouMean } from "../rules/text/did-you-mean";
import { parseDuration } from "../rules/text/duration";
import type { Call } from "./command-line/command";
import { variable } from "./command-line/variable";
import { connect, type Compute, type ComputeClient } from "./google/compute";
import { UsageError } from "./errors";
import { settingsWith } from "./selected-stack";
import { findFleet, findStacks, readVms, type FleetId, type FleetVm } from "./fleet";
import { Storage } from "./google/storage";
import { callerOf } from "./identity";
import { oneLine } from "../rules/text/text";

/** What nearly every command starts with. */
export interface FleetContext {
  compute: Compute;
  id: FleetId;
}

/** The project that a call is about, and the fleet and stack if the stack's settings name the project. */
interface Target {
  project: string;
  fleet?: string | undefined;
  stack?: string;
}

/** The project that options or environment name, or else the settings of the stack. @throws UsageError */
async function targetOf(call: Call): Promise<Target> {
  const named = call.options.text("project");
  if (named !== undefined) return { project: named };
  const key = "gcp:project";
  const missing = "no project: give --project, or set NIXOS_FLEET_PROJECT or GOOGLE_CLOUD_PROJECT";
  const read = await settingsWith(call, [key]);
  if (read === undefined)
    throw new UsageError(`${missing}; without them it is the ${key} of the stack that Pulumi has selected here`);
  if ("problem" in read)
    throw new UsageError(oneLine(`${missing}; one is in ${read.files}, and Pulumi cannot read it: ${read.problem}`));
  const { stack, values } = read;
  const project = values[key];
  if (project === undefined) throw new UsageError(`${missing}; stack ${stack} has no ${key}`);
  return { project, fleet: values["nixos-fleet:fleet"], stack };
}

/** Connects to the Compute API of the project that the call is about. */
export async function openProject(call: Call): Promise<ComputeClient> {
  return connectProject(call, (await targetOf(call)).project);
}

/** Connects to the Compute API of this project. */
export async function connectProject(
  call: Call,
  project: string,
  settings: { attempts?: number } = {},
): Promise<ComputeClient> {
  return connect({
    ...(await callerOf(call, project)),
    endpoint: variable(call, "NIXOS_FLEET_COMPUTE_ENDPOINT"),
    guestAttributesInterval: readInterval(call),
    signal: call.signal,
    ...settings,
  });
}

/** Milliseconds between two reads of one VM's reports, where the environment says so. */
function readInterval(call: Call): number | undefined {
  const name = "NIXOS_FLEET_READ_INTERVAL";
  const text = variable(call, name);
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new UsageError(`${name} is ${text}; it must be a time such as 1s or 2m`);
  return seconds * 1000;
}

/** Connects to Cloud Storage, with the same credentials. */
export async function openStorage(call: Call): Promise<Storage> {
  return new Storage({
    ...(await callerOf(call, (await targetOf(call)).project)),
    endpoint: variable(call, "NIXOS_FLEET_STORAGE_ENDPOINT"),
    signal: call.signal,
  });
}

/** Connects to the Compute API and finds the fleet, by options, environment, the stack's settings or the project's labels. */
export async function openFleet(call: Call, settings: { attempts?: number } = {}): Promise<FleetContext> {
  const { options } = call;
  const target = await targetOf(call);
  const compute = await connectProject(call, target.project, settings);
  const fleet = options.text("fleet") ?? target.fleet;
  const stack = options.text("stack") ?? target.stack;
  return { compute, id: await findFleet(compute, { fleet, stack }) };
}

/** Connects to the Compute API and finds all stacks of the fleet. */
export async function openStacks(call: Call): Promise<FleetContext[]> {
  const target = await targetOf(call);
  const compute = await connectProject(call, target.project);
  const stacks = await findStacks(compute, call.options.text("fleet") ?? target.fleet);
  return stacks.map((id) => ({ compute, id }));
}

/** Refuses a fleet without VMs and approvals: the name, the stack or the project may be wrong. @throws UsageError */
export function requireFleet(
  { compute, id }: FleetContext,
  { vms, approvals }: { vms: readonly unknown[]; approvals: object } = { vms: [], approvals: {} },
): void {
  if (vms.length > 0 || Object.keys(approvals).length > 0) return;
  throw new UsageError(
    `fleet ${id.fleet}/${id.stack} has neither VMs nor approvals in project ${compute.project}; check --project, --fleet and --stack`,
  );
}

/** The VMs of these names. @throws UsageError for a name that the fleet does not have */
export async function requireVms({ compute, id }: FleetContext, names: readonly string[]): Promise<FleetVm[]> {
  const vms = await readVms(compute, id);
  const all = vms.map((vm) => vm.name);
  return [...new Set(names)].map((name) => {
    const vm = vms.find((one) => one.name === name);
    if (vm !== undefined) return vm;
    const hint = didYouMean(name, all) || `; it has ${all.length === 0 ? "none" : all.join(", ")}`;
    throw new UsageError(oneLine(`no VM ${name} in fleet ${id.fleet}/${id.stack}${hint}`, 500));
  });
}

/** Who acts, as others read it: what --by or NIXOS_FLEET_BY says, or the user and machine. */
export function actor(call: Pick<Call, "options" | "env">): string {
  return oneLine(call.options.text("by") ?? variable(call, "NIXOS_FLEET_BY") ?? machineActor(call), 100);
}

/** `USER@MACHINE`. @param readUser throws for a user without an entry in `passwd`, as which a container may run */
export function machineActor({ env }: Pick<Call, "env">, readUser = () => userInfo().username): string {
  return `${env["SUDO_USER"] ?? env["USER"] ?? userName(readUser)}@${hostname()}`;
}

function userName(readUser: () => string): string {
  try {
    return readUser();
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}
