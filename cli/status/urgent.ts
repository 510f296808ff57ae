/** What an urgent approval bypasses and what it does not, for the person who is about to give it. Pure. */
import { groupEntries } from "../../rules/group-entries";
import { short, type Drift } from "../../rules/contract";
import { runsRevision, type Report } from "../../rules/report";
import { holdOn } from "../../rules/rollout/control-item";
import { parseDuration, formatDuration } from "../../rules/text/duration";
import { objectsIn, own, parseJson } from "../../rules/text/json";
import { holdText, wavesText } from "../../rules/text/sentences";
import type { Decisions, FleetVm } from "../fleet";
import { reportOf, type VmReports } from "../../rules/report-reading";
import { firstOf, oneLine, plural } from "../../rules/text/text";
import { revisionText } from "./revision-text";

/** Pauses of a stack's waves in seconds, by wave, in the waves' order. */
type Pauses = Readonly<Record<string, number>>;

interface UrgentPreview {
  /** VMs that get the revision, by wave. */
  waves: Record<string, string[]>;
  /** VMs that report now that they wait for their window, and until when. */
  windows: Record<string, string | null>;
  /** Seconds of the skipped pauses, by wave. */
  pauses: Record<string, number>;
  /** VMs that still do not move, and why. */
  stay: Record<string, string>;
}

/** Which VMs an urgent approval of a revision affects. VMs that run it already, and VMs without a wave, are not affected. */
export function urgentPreview(
  revision: string,
  vms: readonly FleetVm[],
  reports: ReadonlyMap<string, VmReports>,
  { control }: Pick<Decisions, "control">,
  pauses: Pauses,
): UrgentPreview {
  const whyStays = (vm: FleetVm) => {
    const [pin, hold] = [own(control.pins, vm.name), holdOn(control, vm, revision)];
    if (pin !== undefined) return `pinned to ${short(pin)}`;
    if (hold !== undefined) return holdText(hold);
    return vm.state === "RUNNING" ? undefined : "is off; it follows at its boot";
  };
  const about = vms.flatMap((vm) => {
    const report = reportOf(reports.get(vm.name)?.system);
    return vm.wave === null || report?.revision === revision
      ? []
      : [{ vm, wave: vm.wave, report, stays: whyStays(vm) }];
  });
  const moving = about.filter(({ stays }) => stays === undefined);
  const affected = new Set(about.map(({ wave }) => wave));
  const waves = [...new Set([...Object.keys(pauses), ...affected])].filter((name) => affected.has(name));
  return {
    waves: Object.fromEntries(
      waves.map((name) => [name, moving.filter(({ wave }) => wave === name).map(({ vm }) => vm.name)]),
    ),
    windows: Object.fromEntries(
      moving.flatMap(({ vm, report }) =>
        report?.waiting?.for === "window" ? [[vm.name, report.waiting.until ?? null]] : [],
      ),
    ),
    pauses: Object.fromEntries(Object.entries(pauses).filter(([name, pause]) => pause > 0 && waves.includes(name))),
    stay: Object.fromEntries(about.flatMap(({ vm, stays }) => (stays === undefined ? [] : [[vm.name, stays]]))),
  };
}

/** The preview as lines. */
export function urgentLines(revision: string, why: string, preview: UrgentPreview): string[] {
  const { waves, windows, pauses, stay } = preview;
  const count = Object.values(waves).flat().length;
  const listed = (entries: [string, string | null][]) =>
    entries.map(([name, text]) => (text ? `${name} (${text})` : name));
  const waiting = listed(Object.entries(windows).map(([vm, until]) => [vm, until && `else at ${until}`]));
  const paused = listed(Object.entries(pauses).map(([wave, pause]) => [wave, formatDuration(pause)]));
  const below = [
    ...Object.entries(waves).map(([wave, names]) => `wave ${wave}: ${names.length === 0 ? "no VM" : names.join(", ")}`),
    `windows: none counts${waiting.length === 0 ? "" : `; waiting for theirs: ${waiting.join(", ")}`}`,
    `pauses: ${paused.length === 0 ? "there are none" : `left out after ${paused.join(", ")}`}`,
    ...Object.entries(stay).map(([vm, reason]) => `stays: ${vm} (${reason})`),
    "canaries and health checks count as ever",
  ];
  return [
    oneLine(`urgent: ${short(revision)} to ${plural(count, "VM")}: ${why}`, 400),
    ...below.map((line) => `  ${oneLine(line, 400)}`),
  ];
}

/** Which VMs of an urgent approval's waves run it, and which do not yet and why. Waves with the same revision and reason are grouped. */
export function urgentNotes({ approvals, urgent, vms }: UrgentFleet): string[] {
  const waves = Object.entries(urgent).map(
    ([wave, why]) => [`${revisionText(approvals[wave])}${why === null ? "" : `: ${why}`}`, wave] as const,
  );
  return [...groupEntries(waves)].map(([what, names]) => {
    const members = vms.filter(({ wave }) => wave !== null && names.includes(wave));
    const left = members.filter(({ wave, system }) => !runsRevision(system, approvals[wave ?? ""]));
    const open = left.map(({ name, drift }) => `${name} (${drift})`);
    const count = `${members.length - left.length} of ${plural(members.length, "VM")}`;
    const who = open.length === 0 ? "every VM runs it" : `${count} run it, not yet ${firstOf(open)}`;
    return oneLine(`urgent, past windows and pauses: ${wavesText(names)} ${what}; ${who}`, 500);
  });
}

/** The part of a fleet's status that shows the state of an urgent approval. */
interface UrgentFleet {
  approvals: Readonly<Record<string, string>>;
  urgent: Readonly<Record<string, string | null>>;
  vms: readonly {
    name: string;
    wave: string | null;
    drift: Drift;
    system: Pick<Report, "revision" | "pending"> | null;
  }[];
}

/** The pauses in a stack's setting `waves`. An unreadable setting has none, since the program reports what is wrong with it. */
export function pausesOf(waves: string | undefined): Pauses {
  return Object.fromEntries(
    objectsIn(parseJson(waves ?? "")).map(({ name, pause }) => [
      String(name),
      typeof pause === "string" ? (parseDuration(pause) ?? 0) : 0,
    ]),
  );
}
