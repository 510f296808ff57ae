/** The fleet's status as people read it. */
import { short, type Drift, type Report } from "../contracts";
import { formatDuration } from "./duration";
import { holdText, secondsSince, type FleetStatus, type VmStatus } from "./status";
import { paint, renderTable, type Cell, type Style } from "./table";
import { oneLine, plural, truncate } from "./text";

const styles: Record<Drift, Style> = {
  none: "green",
  behind: "yellow",
  ahead: "cyan",
  waiting: "yellow",
  held: "magenta",
  failed: "red",
  stopped: "gray",
  unknown: "red",
};

/** What a drift is called where it is counted. */
const counted: Record<Drift, string> = {
  none: "current",
  behind: "behind",
  ahead: "ahead",
  waiting: "waiting",
  held: "held",
  failed: "failed",
  stopped: "stopped",
  unknown: "unknown",
};

/** In the summary, what needs a person comes after what is well. */
const order: Drift[] = ["none", "ahead", "waiting", "behind", "held", "failed", "unknown", "stopped"];

const reasonWidth = 70;

/** The table, what is held, and a summary line. */
export function renderStatus(status: FleetStatus, colour: boolean): string[] {
  const now = new Date(status.at);
  const header = ["VM", "WAVE", "STATE", "RUNS", "WANTED", "DRIFT", "LAST UPDATE", "HOMES", "WHY"];
  const rows = status.vms.map((vm) => row(vm, now));
  const shown = rows.some((cells) => cells.at(-1) !== "") ? header.length : header.length - 1;
  const table = renderTable(
    header.slice(0, shown),
    rows.map((cells) => cells.slice(0, shown)),
    colour,
  );
  const notes = [
    ...waveNotes(status),
    ...controlNotes(status),
    ...status.problems.map((problem) => paint(problem, "red", colour)),
  ];
  return [...(status.vms.length === 0 ? [] : [...table, ""]), ...notes, summary(status, colour)];
}

/** `3 VMs: 2 current, 1 stopped`. */
export function summary({ fleet, stack, vms }: FleetStatus, colour = false): string {
  const counts = order.flatMap((drift) => {
    const count = vms.filter((vm) => vm.drift === drift).length;
    return count === 0 ? [] : [paint(`${count} ${counted[drift]}`, styles[drift], colour)];
  });
  return `${fleet}/${stack}, ${plural(vms.length, "VM")}${counts.length === 0 ? "" : `: ${counts.join(", ")}`}`;
}

function row(vm: VmStatus, now: Date): (string | Cell)[] {
  const { system } = vm;
  const restart = system?.rebootRequired === true ? " (reboot)" : "";
  return [
    vm.name,
    vm.wave ?? "",
    { text: vm.state, ...(vm.state === "RUNNING" ? {} : { style: "gray" as const }) },
    revisionText(system?.revision) + restart,
    revisionText(vm.wanted ?? undefined),
    { text: vm.drift, style: styles[vm.drift] },
    age(system?.at, now),
    homesText(vm.homes),
    truncate(vm.reason ?? "", reasonWidth),
  ];
}

/** A revision as people read it; a VM may have written anything in its place. */
export function revisionText(revision: string | undefined): string {
  if (revision === undefined) {
    return "";
  }
  return /^[0-9a-f]{40}$/.test(revision) ? short(revision) : truncate(oneLine(revision), 12);
}

function age(at: string | undefined, now: Date): string {
  if (at === undefined) {
    return "";
  }
  const seconds = secondsSince(at, now);
  if (seconds === undefined) {
    return "no time";
  }
  // A VM's clock may be a little ahead of ours; more than that is worth knowing.
  return seconds < -60 ? `${formatDuration(-seconds)} ahead` : `${formatDuration(seconds)} ago`;
}

function homesText(homes: Record<string, Report | null>): string {
  const texts = Object.entries(homes).map(([user, report]) => {
    if (report === null) {
      return `${user} ?`;
    }
    const well = report.outcome === "updated" || report.outcome === "unchanged";
    return `${user} ${well ? revisionText(report.revision) : report.outcome}`;
  });
  return truncate(texts.join(", "), 60);
}

/** Waves that name different revisions: a rollout is open, or was halted. */
function waveNotes({ approvals }: FleetStatus): string[] {
  if (new Set(Object.values(approvals)).size <= 1) {
    return [];
  }
  const waves = Object.entries(approvals).map(([wave, revision]) => `${wave} ${short(revision)}`);
  return [oneLine(`rollout open: ${waves.join(", ")}`, 500)];
}

function controlNotes({ control, approvals }: FleetStatus): string[] {
  const holds = control.holds
    .filter(({ revision }) => revision === undefined || Object.values(approvals).includes(revision))
    .map((hold) => `${holdText(hold)} (${oneLine(hold.at, 40)})`);
  const pins = Object.entries(control.pins).map(([vm, revision]) => `VM ${vm} pinned to ${short(revision)}`);
  const undone = Object.entries(control.instead).flatMap(([wave, pairs]) =>
    Object.entries(pairs)
      .filter(([bad]) => approvals[wave] === bad)
      .map(([bad, good]) => `wave ${wave}: ${revisionText(bad)} was undone, runs ${revisionText(good)} instead`),
  );
  const retry = control.retry.map((revision) => `${short(revision)} may be tried again`);
  return [...holds, ...pins, ...undone, ...retry].map((line) => oneLine(line, 400));
}
