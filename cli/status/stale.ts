/** VMs that have been off or behind for a long time, or run an old lock. People do not notice them, because nothing fails. Pure. */
import { formatDuration } from "../../rules/text/duration";
import type { Drift } from "../../rules/contract";
import type { Report } from "../../rules/report";
import { firstOf, oneLine } from "../../rules/text/text";

/** Seconds after which status names a VM, unless the person gives another time. */
const staleAfter = 7 * 86_400;

/** Since when a VM is off, or without a successful update. */
export interface Overdue {
  what: "off" | "behind";
  /** RFC 3339. For a VM that is behind: the time of its last run, if the last success is unknown. */
  since: string;
}

/** Undefined if the VM is where it should be, or the time is unknown. */
export function overdueOf({
  state,
  drift,
  report,
  startedAt,
  stoppedAt,
}: {
  state: string;
  drift: Drift;
  report: Report | null;
  startedAt: string | undefined;
  stoppedAt: string | undefined;
}): Overdue | undefined {
  if (drift === "none" || drift === "ahead") return undefined;
  const isOff = state !== "RUNNING";
  const since = isOff ? (stoppedAt ?? report?.at) : (report?.failing?.since ?? report?.at ?? startedAt);
  return since === undefined || Number.isNaN(Date.parse(since)) ? undefined : { what: isOff ? "off" : "behind", since };
}

/** The fields of a VM's status that show how old it is. */
interface Aged {
  name: string;
  overdue: Overdue | null;
  revisionAt: string | null;
}

/** VMs at a given time, in RFC 3339. */
interface Ages<V> {
  vms: readonly V[];
  at: string;
}

const secondsOld = ({ revisionAt }: Aged, at: string) => (revisionAt === null ? 0 : secondsBetween(revisionAt, at));

/** The VMs that have been off or behind for at least these seconds, the longest first. */
function overdueVms<V extends Aged>({ vms, at }: Ages<V>, seconds: number): (V & { overdue: Overdue })[] {
  const age = ({ overdue }: { overdue: Overdue }) => secondsBetween(overdue.since, at);
  return vms
    .filter((vm): vm is V & { overdue: Overdue } => vm.overdue !== null)
    .filter((vm) => age(vm) >= seconds)
    .sort((a, b) => age(b) - age(a));
}

/** These VMs, and then VMs that are where they should be but whose revision, and so its lock, is at least that old. */
export function staleVms<V extends Aged>(ages: Ages<V>, seconds: number): V[] {
  const overdue: V[] = overdueVms(ages, seconds);
  return [...overdue, ...ages.vms.filter((vm) => !overdue.includes(vm) && secondsOld(vm, ages.at) >= seconds)];
}

/**
 * Lines that name these VMs, with the age of the revision that each runs; empty if there are no such VMs.
 * @param asked seconds that the person gave; without it only VMs that are off or behind get a line
 */
export function staleNotes(status: Ages<Aged>, asked?: number): string[] {
  const seconds = asked ?? staleAfter;
  const overdue = overdueVms(status, seconds);
  const old = asked === undefined ? [] : staleVms(status, asked).slice(overdue.length);
  const time = formatDuration(seconds);
  const lock = ({ revisionAt }: Aged) =>
    revisionAt === null ? [] : [`its lock at least ${days(revisionAt, status.at)} old`];
  const line = (what: string, names: string[]) =>
    names.length === 0 ? [] : [oneLine(`${what}: ${firstOf(names, 8)}`, 600)];
  return [
    ...line(
      `off or behind for ${time} or more`,
      overdue.map((vm) => {
        const { what, since } = vm.overdue;
        return `${vm.name} (${[`${what} ${days(since, status.at)}`, ...lock(vm)].join(", ")})`;
      }),
    ),
    ...line(
      `with a lock that is ${time} old or more`,
      old.map((vm) => `${vm.name} (${lock(vm).join(", ")})`),
    ),
  ];
}

function days(since: string, at: string): string {
  return formatDuration(Math.floor(secondsBetween(since, at) / 86_400) * 86_400 || secondsBetween(since, at));
}

function secondsBetween(since: string, at: string): number {
  return (Date.parse(at) - Date.parse(since)) / 1_000;
}
