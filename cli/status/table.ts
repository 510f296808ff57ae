/** The fleet's status as people read it. */
import { short, type Drift, type Report } from "../../rules/contract";
import type { Hold } from "../control-item";
import { formatDuration } from "../duration";
import { failureOf, holdText, scopeText, secondsSince, type FleetStatus, type VmStatus } from "./status";
import { paint, renderTable, type Cell, type Style } from "../table";
import { oneLine, plural, truncate } from "../text";

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

/** In the table, what needs a person comes first; the others are alike. */
const urgency: Drift[] = ["failed", "unknown", "behind", "held", "waiting", "ahead"];

const reasonWidth = 70;

/** How the status is shown. */
export interface Look {
  colour: boolean;
  /** Characters of a line of the table; as many as it takes by default. */
  width?: number;
  /** Rows at most: VMs that are current or stopped are counted only, where there are more. */
  rows?: number;
}

/** The table, what is held and what failed, and a summary line. */
export function renderStatus(status: FleetStatus, { colour, width, rows: most = Infinity }: Look): string[] {
  const now = new Date(status.at);
  const shown = chosen(status.vms, most);
  const left = status.vms.length - shown.length;
  const header = ["VM", "WAVE", "STATE", "CURRENT", "DESIRED", "DRIFT", "LAST UPDATE", "HOMES", "WHY"];
  const rows = shown.map((vm) => row(vm, now));
  const columns = rows.some((cells) => cells.at(-1) !== "") ? header.length : header.length - 1;
  const table = renderTable(
    header.slice(0, columns),
    rows.map((cells) => cells.slice(0, columns)),
    colour,
    width,
  );
  const notes = [
    ...waveNotes(status),
    ...controlNotes(status, now),
    ...status.vms.flatMap((vm) => failureNotes(vm, table)).map((note) => paint(note, "red", colour)),
    ...status.problems.map((problem) => paint(problem, "red", colour)),
  ];
  const more = left === 0 ? [] : [`and ${plural(left, "VM")} more, current or stopped (--all shows them)`];
  return [...(status.vms.length === 0 ? [] : [...table, ...more, ""]), ...notes, summary(status, colour)];
}

/** The most urgent VMs, as many as may be shown but all that need a person; those alike stay in their order. */
function chosen(vms: readonly VmStatus[], most: number): VmStatus[] {
  const urgent = urgency.flatMap((drift) => vms.filter((vm) => vm.drift === drift));
  const calm = vms.filter(({ drift }) => !urgency.includes(drift));
  return [...urgent, ...calm.slice(0, Math.max(0, most - urgent.length))];
}

/** `3 VMs: 2 current, 1 stopped, held by eve@desk`. */
export function summary(status: FleetStatus, colour = false): string {
  const { fleet, stack, vms } = status;
  const counts = order.flatMap((drift) => {
    const count = vms.filter((vm) => vm.drift === drift).length;
    return count === 0 ? [] : [paint(`${count} ${counted[drift]}`, styles[drift], colour)];
  });
  const homes = vms.flatMap((vm) => Object.values(vm.homes)).filter((home) => home?.outcome === "failed").length;
  const rest = [
    ...(homes === 0 ? [] : [paint(`${plural(homes, "home")} failed`, "red", colour)]),
    ...standingHolds(status).map(({ scope, by }) =>
      paint(oneLine(`${scope === "fleet" ? "" : `${scopeText(scope)} `}held by ${by}`, 120), "magenta", colour),
    ),
  ];
  const parts = [...counts, ...rest];
  return `${fleet}/${stack}, ${plural(vms.length, "VM")}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
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
      return `${user} waiting`;
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

/** Holds that have not lapsed. */
function standingHolds({ control, approvals }: FleetStatus): Hold[] {
  return control.holds.filter(({ revision }) => revision === undefined || Object.values(approvals).includes(revision));
}

function controlNotes(status: FleetStatus, now: Date): string[] {
  const { control, approvals } = status;
  const holds = standingHolds(status).map((hold) => `${holdText(hold)} (${age(hold.at, now)})`);
  const pins = Object.entries(control.pins).map(([vm, revision]) => `VM ${vm} pinned to ${short(revision)}`);
  const undone = Object.entries(control.instead).flatMap(([wave, pairs]) =>
    Object.entries(pairs)
      .filter(([bad]) => approvals[wave] === bad)
      .map(([bad, good]) => `wave ${wave}: ${revisionText(bad)} was undone, runs ${insteadText(good)} instead`),
  );
  const retry = control.retry.map((revision) => `${short(revision)} may be tried again`);
  return [...holds, ...pins, ...undone, ...retry].map((line) => oneLine(line, 400));
}

function insteadText(good: string): string {
  return good === "previous" ? "what each VM ran before" : revisionText(good);
}

/** What does not fit into the table: whose VM failed with which words, and why homes did. */
function failureNotes({ name, owner, drift, reason, homes }: VmStatus, table: readonly string[]): string[] {
  const whose = owner === null ? name : `${name} (${owner})`;
  const cut = drift === "failed" && reason !== null && !table.some((line) => line.includes(reason));
  const system = cut ? [`${whose}: ${reason}`] : [];
  const failed = Object.entries(homes).flatMap(([user, home]) =>
    home?.outcome === "failed" ? [`${whose}, home ${user}: ${failureOf(home)}`] : [],
  );
  return [...system, ...failed].map((line) => oneLine(line, 400));
}
