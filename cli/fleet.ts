/** Finds a fleet in a project, and reads what is written about it. */
import pMap from "p-map";
import * as z from "zod";
import { contract, controlKey, type Follow } from "../rules/contract";
import type { Compute, Instance } from "./google/compute";
import { noControl, parseControl, type Control } from "../rules/rollout/control-item";
import { readApprovals, type Approval } from "../rules/rollout/approval";
import { FleetError, UsageError } from "./errors";
import { messageOf } from "../rules/text/system-error";
import { readReports, unreadable } from "./reports";
import type { Home } from "../rules/instance-metadata";
import { mostAtOnce } from "./google/throttle";
import type { VmReports } from "../rules/report-reading";
import { parseJson } from "../rules/text/json";
import { oneLine } from "../rules/text/text";

/** Which fleet: its name and the stack that declares it. */
export interface FleetId {
  fleet: string;
  stack: string;
}

/** A VM of the fleet: what Compute knows, and what its metadata says. */
export interface FleetVm {
  name: string;
  zone: string;
  state: string;
  wave: string | null;
  owner: string | null;
  follow: Follow;
  homes: Home[];
  /** Its attribute of the config repository's `nixosConfigurations`. */
  host: string;
  /** The config repository as the VM reaches it, and which branch of it; undefined if its metadata does not say. */
  source?: Source;
  address?: string;
  /** Its own metadata item as written; undefined if it has none. */
  item?: string;
  /** RFC 3339. */
  startedAt?: string;
  stoppedAt?: string;
}

/** A branch of a repository, and the folder of its flake; absent for the top. */
export interface Source {
  repository: string;
  branch: string;
  subdirectory?: string;
}

/** What is approved and held. */
export interface Decisions {
  /** By wave. */
  approvals: Record<string, Approval>;
  control: Control;
  /** One line each about items that are not readable. */
  problems: string[];
  /** One line each about fields that a newer version wrote. */
  unknown: string[];
  /** The project's metadata that all of this was read from. */
  metadata: Readonly<Record<string, string>>;
}

const { labels, instanceMetadata, guestAttributes } = contract;

/** The part of a VM's own metadata that matters here; a VM made by a newer program may have more in it. */
const vmMetadata = z.object({
  wave: z.string().optional(),
  follow: z.enum(["branch", "approved"]).default("branch"),
  host: z.string().optional(),
  subdirectory: z.string().optional(),
  repository: z.string().optional(),
  branch: z.string().optional(),
  homes: z
    .array(
      z.object({
        user: z.string(),
        attribute: z.string(),
        repository: z.string().optional(),
        branch: z.string().optional(),
      }),
    )
    .default([]),
});

/** The fleet that was named or, if the project has only one, that one. */
export async function findFleet(
  compute: Compute,
  wanted: { fleet?: string | undefined; stack?: string | undefined },
): Promise<FleetId> {
  const { fleet, stack } = wanted;
  if (fleet !== undefined && stack !== undefined) {
    return { fleet, stack };
  }
  return chooseFleet(await compute.instances(`labels.${labels.fleet}:*`), wanted, compute.project);
}

/** The one fleet among the instances' labels that fits what was named. */
export function chooseFleet(
  instances: readonly Pick<Instance, "labels">[],
  wanted: { fleet?: string | undefined; stack?: string | undefined },
  project: string,
): FleetId {
  const all = fleetsOf(instances);
  const fitting = all.filter(
    (one) => (wanted.fleet ?? one.fleet) === one.fleet && (wanted.stack ?? one.stack) === one.stack,
  );
  const [only, ...more] = fitting;
  const list = (ids: FleetId[]) => ids.map(({ fleet, stack }) => `--fleet ${fleet} --stack ${stack}`).join(", ");
  if (only === undefined) {
    const others = all.length === 0 ? "its VMs carry no fleet's labels" : `it has ${list(all)}`;
    const text = oneLine(`no such fleet in project ${project}: ${others}`);
    throw wanted.fleet === undefined && wanted.stack === undefined
      ? new FleetError("NF209", text)
      : new UsageError(text);
  }
  if (more.length > 0) {
    throw new UsageError(oneLine(`project ${project} has several fleets; say which: ${list(fitting)}`));
  }
  return only;
}

/** The fleets that instances are labelled with, by stack. */
function fleetsOf(instances: readonly Pick<Instance, "labels">[]): FleetId[] {
  const found = new Map<string, FleetId>();
  for (const instance of instances) {
    const fleet = instance.labels[labels.fleet];
    const stack = instance.labels[labels.stack];
    if (fleet !== undefined && stack !== undefined) {
      found.set(`${fleet}/${stack}`, { fleet, stack });
    }
  }
  return [...found.values()];
}

/** All stacks of the fleet that was named or, if the project has only one fleet, of that one; in the order of their names. */
export async function findStacks(compute: Compute, wanted: string | undefined): Promise<FleetId[]> {
  const instances = await compute.instances(`labels.${labels.fleet}:*`);
  const all = fleetsOf(instances);
  const [only, ...more] = new Set(all.map(({ fleet }) => fleet));
  const fleet = wanted ?? (more.length === 0 ? only : undefined);
  const stacks = all.filter((one) => one.fleet === fleet);
  // What is wrong is the same as when one stack is looked for.
  if (fleet === undefined || stacks.length === 0) return [chooseFleet(instances, { fleet: wanted }, compute.project)];
  return stacks.sort((a, b) => (a.stack < b.stack ? -1 : 1));
}

export function readInstances(compute: Compute, { fleet, stack }: FleetId): Promise<Instance[]> {
  return compute.instances(`labels.${labels.fleet}=${fleet} AND labels.${labels.stack}=${stack}`);
}

/** The fleet's VMs, by name. */
export async function readVms(compute: Compute, id: FleetId): Promise<FleetVm[]> {
  return (await readInstances(compute, id)).map(toVm);
}

/** What an instance is to the fleet; its metadata goes before its labels, whose values Compute restricts. */
export function toVm(instance: Instance): FleetVm {
  const item = instance.metadata[instanceMetadata.key];
  const written = vmMetadata.safeParse(parseJson(item ?? "{}"));
  const metadata = written.data ?? { follow: "branch" as const, homes: [] };
  const { wave, follow, homes, host, repository, branch, subdirectory } = metadata;
  const flake = subdirectory === undefined ? {} : { subdirectory };
  return {
    name: instance.name,
    zone: instance.zone,
    state: instance.state,
    wave: wave ?? instance.labels[labels.wave] ?? null,
    owner: instance.labels[labels.owner] ?? null,
    follow,
    host: host ?? instance.name,
    ...(repository === undefined || branch === undefined ? {} : { source: { repository, branch, ...flake } }),
    homes: homes.map(({ user, attribute, ...own }) => ({
      user,
      attribute,
      ...(own.repository === undefined ? {} : { repository: own.repository }),
      ...(own.branch === undefined ? {} : { branch: own.branch }),
    })),
    ...(item === undefined ? {} : { item }),
    ...(instance.address === undefined ? {} : { address: instance.address }),
    ...(instance.startedAt === undefined ? {} : { startedAt: instance.startedAt }),
    ...(instance.stoppedAt === undefined ? {} : { stoppedAt: instance.stoppedAt }),
  };
}

/** What the project's metadata says about the fleet. */
export function readDecisions(metadata: Readonly<Record<string, string>>, { fleet, stack }: FleetId): Decisions {
  const read = readApprovals(metadata, fleet, stack);
  const control = parseControl(metadata[controlKey(fleet, stack)]);
  const problems = Object.entries(read.problems).map(
    ([wave, problem]) => `the approval of wave ${wave} is not readable: ${problem}`,
  );
  if (!control.ok) problems.push(`the control item is not readable: ${control.problem}`);
  const unknown = [
    ...read.unknown.map((field) => `approval of wave ${field}`),
    ...(control.ok ? control.unknown.map((field) => `control item: ${field}`) : []),
  ];
  return {
    approvals: read.approvals,
    control: control.ok ? control.value : noControl,
    problems: problems.map((problem) => oneLine(problem, 300)),
    unknown: unknown.map((field) => oneLine(field, 300)),
    metadata,
  };
}

/** What one VM reports. A VM that cannot be asked says so in place of its reports. */
export async function readVmReports(compute: Compute, vm: FleetVm): Promise<VmReports> {
  try {
    return readReports(await compute.guestAttributes(vm, guestAttributes.namespace), vm.homes);
  } catch (error) {
    return unreadable(`the report cannot be read: ${messageOf(error)}`, vm.homes);
  }
}

/** What the VMs report, by name. */
export async function readAllReports(compute: Compute, vms: readonly FleetVm[]): Promise<Map<string, VmReports>> {
  const entry = async (vm: FleetVm) => [vm.name, await readVmReports(compute, vm)] as const;
  const entries = await pMap(vms, entry, { concurrency: mostAtOnce });
  return new Map(entries);
}
