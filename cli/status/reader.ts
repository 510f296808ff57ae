/** Reads a fleet's status, once or again and again, within what Compute's quota of reads allows. */
import pMap from "p-map";
import type { FleetContext } from "../context";
import { readDecisions, readVmReports, readVms, type FleetVm } from "../fleet";
import type { VmReports } from "../../rules/report-reading";
import type { Branch } from "./branch";
import { buildStatus, type FleetStatus } from "./status";
import { mostAtOnce } from "../google/throttle";

/** A VM's reports as they were last read. */
interface CachedReport {
  reports: VmReports;
  /** Which look read them; they grow by one. */
  look: number;
  /** What the VM was when they were read: a change of that makes them old. */
  state: string;
}

/** Looks at a fleet. What it read stays known to the next look. */
export class StatusReader {
  private known = new Map<string, CachedReport>();
  private look = 0;

  /** @param readBranches reads the branches that these VMs follow; without it none is known */
  constructor(
    private readonly context: FleetContext,
    private readonly readBranches: (vms: readonly FleetVm[]) => Promise<Branch[]> = () => Promise.resolve([]),
  ) {}

  /** @param most reports to read again; the others stay as they were last read */
  async read(most = Infinity): Promise<FleetStatus> {
    const { compute, id } = this.context;
    const [vms, metadata] = await Promise.all([readVms(compute, id), compute.projectMetadata()]);
    const decisions = readDecisions(metadata, id);
    this.look += 1;
    const due = dueVms(vms, this.known, most, (vm) => {
      const report = this.known.get(vm.name)?.reports.system;
      const approved = vm.wave === null ? undefined : decisions.approvals[vm.wave]?.revision;
      return report?.kind === "report" && report.report.approved === approved;
    });
    const readOne = async (vm: FleetVm) => {
      this.known.set(vm.name, { reports: await readVmReports(compute, vm), look: this.look, state: vm.state });
    };
    const reading = pMap(due, readOne, { concurrency: mostAtOnce });
    const [branches] = await Promise.all([this.readBranches(vms), reading]);
    const reports = new Map([...this.known].map(([name, one]) => [name, one.reports]));
    return buildStatus(id, vms, decisions, reports, new Date(), branches);
  }
}

/**
 * The VMs whose reports to read now: those that were never read, or changed their state, however many; then, for one half of what is
 * left, those that have not answered what is approved, and for the other half all. Those read longest ago come first. Pure.
 */
export function dueVms(
  vms: readonly FleetVm[],
  known: ReadonlyMap<string, { look: number; state: string }>,
  most: number,
  settled: (vm: FleetVm) => boolean,
): FleetVm[] {
  const isFresh = (vm: FleetVm) => known.get(vm.name)?.state !== vm.state;
  const oldest = (some: FleetVm[]) =>
    some.sort((a, b) => (known.get(a.name)?.look ?? 0) - (known.get(b.name)?.look ?? 0));
  const fresh = vms.filter(isFresh);
  const others = oldest(vms.filter((vm) => !isFresh(vm)));
  const left = Math.max(0, most - fresh.length);
  const open = others.filter((vm) => vm.state === "RUNNING" && !settled(vm)).slice(0, Math.ceil(left / 2));
  const rest = others.filter((vm) => !open.includes(vm));
  return [...fresh, ...open, ...rest.slice(0, left - open.length)];
}
