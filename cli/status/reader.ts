/** Reads a fleet's status, once or again and again, within what Compute's quotas allow. */
import pMap from "p-map";
import type { FleetContext } from "../context";
import { readDecisions, readVmReports, readVms, type FleetVm } from "../fleet";
import type { VmReports } from "../../rules/report-reading";
import { own } from "../../rules/text/json";
import type { Branch } from "./branch";
import { buildStatus, type FleetStatus } from "./status";
import { mostAtOnce } from "../google/throttle";

/** A VM's last read reports. */
interface CachedReport {
  reports: VmReports;
  /** The number of the look that read them; it grows by one each time. */
  look: number;
  /** When they were read, in milliseconds. */
  at: number;
  /** The VM's state when the reports were read. If the state changes, the reports are out of date. */
  state: string;
}

/** How much longer than a gate who only watches waits before the same VM is asked again. */
const patience = 3;

/** Looks at a fleet. The next look reuses what this one read. */
export class StatusReader {
  private known = new Map<string, CachedReport>();
  private look = 0;

  /** @param readBranches reads the branches that these VMs follow; without it no branch is known */
  constructor(
    private readonly context: FleetContext,
    private readonly readBranches: (vms: readonly FleetVm[]) => Promise<Branch[]> = () => Promise.resolve([]),
    private readonly now: () => number = Date.now,
  ) {}

  /** @param most maximum number of reports to read again; the others keep their last value */
  async read(most = Infinity): Promise<FleetStatus> {
    const { compute, id } = this.context;
    const [vms, metadata] = await Promise.all([readVms(compute, id), compute.projectMetadata()]);
    const decisions = readDecisions(metadata, id);
    this.look += 1;
    const at = this.now();
    const recent = at - compute.guestAttributesInterval * patience;
    const due = dueVms(vms, this.known, { most, recent }, (vm) => {
      const report = this.known.get(vm.name)?.reports.system;
      const approved = own(decisions.approvals, vm.wave)?.revision;
      return report?.kind === "report" && report.report.approved === approved;
    });
    const readOne = async (vm: FleetVm) => {
      this.known.set(vm.name, { reports: await readVmReports(compute, vm), look: this.look, at, state: vm.state });
    };
    const reading = pMap(due, readOne, { concurrency: mostAtOnce });
    const [branches] = await Promise.all([this.readBranches(vms), reading]);
    const reports = new Map([...this.known].map(([name, one]) => [name, one.reports]));
    return buildStatus(id, vms, decisions, reports, new Date(), branches);
  }
}

/**
 * The VMs whose reports to read now. First all VMs that were never read or changed their state. Half of the rest of the budget goes to
 * VMs that have not answered the approval, the other half to all VMs. VMs whose last read is oldest come first, and those read since
 * `recent` do not come at all. Pure.
 */
export function dueVms(
  vms: readonly FleetVm[],
  known: ReadonlyMap<string, Pick<CachedReport, "look" | "at" | "state">>,
  { most, recent }: { most: number; recent: number },
  settled: (vm: FleetVm) => boolean,
): FleetVm[] {
  const isFresh = (vm: FleetVm) => known.get(vm.name)?.state !== vm.state;
  const oldest = (some: FleetVm[]) =>
    some.sort((a, b) => (known.get(a.name)?.look ?? 0) - (known.get(b.name)?.look ?? 0));
  const fresh = vms.filter(isFresh);
  const others = oldest(vms.filter((vm) => !isFresh(vm) && (known.get(vm.name)?.at ?? 0) <= recent));
  const left = Math.max(0, most - fresh.length);
  const open = others.filter((vm) => vm.state === "RUNNING" && !settled(vm)).slice(0, Math.ceil(left / 2));
  const rest = others.filter((vm) => !open.includes(vm));
  return [...fresh, ...open, ...rest.slice(0, left - open.length)];
}
