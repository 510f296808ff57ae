/** The fleet's status as people read it. */
import { groupEntries } from "../../rules/group-entries";
import { isCurrent, short, type Drift } from "../../rules/contract";
import type { Hold } from "../../rules/rollout/control-item";
import { formatDuration } from "../../rules/text/duration";
import { secondsSince, type FleetStatus, type VmStatus } from "./status";
import { moveLines } from "./planned-moves";
import { revisionText } from "./revision-text";
import { staleNotes } from "./stale";
import { urgentNotes } from "./urgent";
import { paint, renderTable, type Cell, type Style } from "../command-line/table";
import { wrap } from "../text";
import { driftWord, holdText, scopeText } from "../../rules/text/sentences";
import { firstOf, oneLine, truncate, plural } from "../../rules/text/text";

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

/** In the summary, states that need a person come after the healthy ones. */
const order: Drift[] = ["none", "ahead", "waiting", "behind", "held", "failed", "unknown", "stopped"];

/** In the table, states that need a person come first; the others rank equally. */
const urgency: Drift[] = ["failed", "unknown", "behind", "held", "waiting", "ahead"];

/** Drifts of a home that need a person. */
const homeTrouble: Drift[] = ["failed", "unknown", "behind", "held"];

const reasonWidth = 70;
/** Maximum number of groups of VMs in a list. */
const mostGroups = 8;
const mostReasons = 20;

/** How the status is shown. */
export interface Look {
  colour: boolean;
  /** Characters per line of the table; by default as many as it needs. */
  width?: number;
  /** Maximum rows. If there are more VMs, those that are current or stopped are only counted. */
  rows?: number;
  /** Seconds that the person gave; VMs that are off, behind or at an old lock for longer are named. */
  stale?: number;
  /** Leaves out the last line, the summary. */
  unsummed?: true;
}

/** The table, what is held and what failed, and a summary line. */
export function renderStatus(
  status: FleetStatus,
  { colour, width, rows: most = Infinity, stale, unsummed }: Look,
): string[] {
  const now = new Date(status.at);
  const shown = chosen(status.vms, most);
  const left = status.vms.length - shown.length;
  const table = vmTable(shown, now, colour, width);
  const urgent = shown.filter(needsPerson);
  const isGrouped = urgent.length > most;
  const notes = [
    ...waveNotes(status),
    ...urgentNotes(status),
    ...controlNotes(status, now),
    ...reasonNotes(shown, table),
    ...failureNotes(status.vms, table, isGrouped).map((note) => paint(note, "red", colour)),
    ...status.problems.map((problem) => paint(problem, "red", colour)),
    ...staleNotes(status, stale),
    ...unknownNotes(status),
    ...nextNotes(status),
  ];
  const more = left === 0 ? [] : [`and ${plural(left, "VM")} more, current or stopped (--all shows them)`];
  const head = status.vms.length === 0 ? [] : isGrouped ? causes(urgent) : table;
  const lines = [
    ...head,
    ...(head.length === 0 ? [] : [...more, ""]),
    ...notes,
    ...(unsummed ? [] : [summary(status, colour)]),
  ];
  return width === undefined ? lines : lines.flatMap((line) => (table.includes(line) ? [line] : wrap(line, width, 4)));
}

/** Reasons that the table does not show in full, grouped. Failures have lines of their own. */
function reasonNotes(vms: readonly VmStatus[], table: readonly string[]): string[] {
  const reasons = vms.flatMap(({ name, drift, reason }) =>
    reason === null || drift === "failed" || table.some((line) => line.includes(reason))
      ? []
      : [[reason, name] as const],
  );
  return reasons.length === 0 ? [] : ["why:", ...groupLines(reasons, mostReasons)];
}

/** What each group of VMs has in common, one line per group, the largest first, and the number of further groups. */
function groupLines(texts: readonly (readonly [string, string])[], most = mostGroups): string[] {
  const all = largestFirst(texts).map(([text, vms]) => ({ vms, text }));
  const more = all.length - most;
  return [...moveLines(all.slice(0, most)), ...(more > 0 ? [`  and ${more} more kinds (--json)`] : [])];
}

function largestFirst(entries: readonly (readonly [string, string])[]): [string, string[]][] {
  return [...groupEntries(entries)].sort(([, a], [, b]) => b.length - a.length);
}

/** Columns that narrow terminals leave out, in this order. */
const expendable = ["LAST UPDATE", "STATE", "HOMES", "WAVE", "DESIRED"];
/** Other columns are left out until the reason has this many characters. */
const leastReason = 24;

/** A table of VMs. It has no column of reasons if there are none, and leaves out other columns if the line is too narrow for all. */
function vmTable(vms: readonly VmStatus[], now: Date, colour: boolean, width = Infinity): string[] {
  const all = ["VM", "WAVE", "STATE", "CURRENT", "DESIRED", "DRIFT", "LAST UPDATE", "HOMES", "WHY"];
  const rows = vms.map((vm) => row(vm, now));
  const reasons = rows.some((cells) => cells.at(-1) !== "");
  const widthOf = (index: number) =>
    Math.max(...[all[index] ?? "-", ...rows.map((cells) => textOf(cells[index]))].map(({ length }) => length));
  const room = (columns: readonly number[]) =>
    columns.reduce((sum, index) => sum + 2 + (all[index] === "WHY" ? leastReason : widthOf(index)), -2);
  /** The columns that fit after expendable ones are left out; undefined if leaving out all of them does not suffice. */
  const fitting = (columns: readonly number[], gone = 0): number[] | undefined => {
    const left = columns.filter((index) => !expendable.slice(0, gone).includes(all[index] ?? ""));
    if (room(left) <= width) return left;
    return gone === expendable.length ? undefined : fitting(columns, gone + 1);
  };
  const others = all.flatMap((name, index) => (name === "WHY" ? [] : [index]));
  const every = reasons ? [...others, all.indexOf("WHY")] : others;
  // If a terminal has no room for reasons, they are shown below the table.
  const columns = fitting(every) ?? fitting(others) ?? others.filter((index) => !expendable.includes(all[index] ?? ""));
  const picked = (cells: readonly (string | Cell)[]) => columns.flatMap((index) => cells[index] ?? []);
  return renderTable(
    columns.flatMap((index) => all[index] ?? []),
    rows.map(picked),
    colour,
    width,
  );
}

function textOf(cell: string | Cell | undefined): string {
  return typeof cell === "string" ? cell : (cell?.text ?? "");
}

/** If there are too many VMs for a row each: VMs with the same trouble are grouped, the largest group first. */
function causes(vms: readonly VmStatus[]): string[] {
  const found = vms.map(({ drift, reason, name, homeDrift }) => {
    const home = Object.values(homeDrift).find((one) => homeTrouble.includes(one.drift));
    const [what, why] =
      urgency.includes(drift) || home === undefined ? [drift, reason] : [`home ${home.drift}`, home.reason];
    return [why === null ? what : `${what}: ${why}`, name] as const;
  });
  return largestFirst(found).map(([cause, names]) =>
    oneLine(`${plural(names.length, "VM")} ${cause} (${firstOf(names, 4)})`, 400),
  );
}

/** The most urgent VMs, up to the maximum, but always all that need a person. VMs of equal urgency keep their order. */
function chosen(vms: readonly VmStatus[], most: number): VmStatus[] {
  const needy = vms.filter(needsPerson).sort((a, b) => urgencyOf(a) - urgencyOf(b));
  const calm = vms.filter((vm) => !needsPerson(vm));
  return [...needy, ...calm.slice(0, Math.max(0, most - needy.length))];
}

/** Lower is more urgent. A home with a problem comes after a system with the same problem. */
function urgencyOf({ drift, homeDrift }: VmStatus): number {
  const ofHomes = Object.values(homeDrift).map((home) => urgency.indexOf(home.drift) + 0.5);
  const all = [urgency.indexOf(drift), ...ofHomes].filter((one) => one >= 0 && one !== -0.5);
  return Math.min(...all);
}

function needsPerson(vm: VmStatus): boolean {
  const { drift, homeDrift } = vm;
  return urgency.includes(drift) || Object.values(homeDrift).some((home) => homeTrouble.includes(home.drift));
}

/** `3 VMs: 2 current, 1 stopped, held by eve@desk`. */
export function summary(status: FleetStatus, colour = false): string {
  const { fleet, stack, vms } = status;
  const counts = order.flatMap((drift) => {
    const count = vms.filter((vm) => vm.drift === drift).length;
    return count === 0 ? [] : [paint(`${count} ${driftWord[drift]}`, styles[drift], colour)];
  });
  const homes = vms.flatMap((vm) => Object.values(vm.homeDrift));
  const homeCounts = homeTrouble.flatMap((drift) => {
    const count = homes.filter((home) => home.drift === drift).length;
    return count === 0 ? [] : [paint(`${plural(count, "home")} ${driftWord[drift]}`, styles[drift], colour)];
  });
  const rest = [
    ...homeCounts,
    ...activeHolds(status).map(({ scope, by }) =>
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
    homesText(vm),
    truncate(vm.reason ?? "", reasonWidth),
  ];
}

function age(at: string | undefined, now: Date): string {
  if (at === undefined) {
    return "";
  }
  const seconds = secondsSince(at, now);
  if (seconds === undefined) {
    return "no time";
  }
  // A VM's clock may be a little ahead of ours. A larger difference is worth showing.
  return seconds < -60 ? `${formatDuration(-seconds)} ahead` : `${formatDuration(seconds)} ago`;
}

function homesText({ homes, homeDrift }: VmStatus): string {
  const texts = Object.entries(homeDrift).map(([user, { drift }]) => {
    const report = homes[user] ?? null;
    if (report === null) return `${user} ${drift === "unknown" ? "unknown" : "waiting"}`;
    if (drift === "behind") return `${user} ${revisionText(report.revision)} behind`;
    return `${user} ${isCurrent(report.outcome) ? revisionText(report.revision) : report.outcome}`;
  });
  return truncate(texts.join(", "), 60);
}

/** What VMs do next by themselves, grouped. VMs that stay and VMs that are held are shown above. */
function nextNotes({ vms }: FleetStatus): string[] {
  const texts = vms.flatMap(({ name, next }) => {
    const about = ["stay", "held"].includes(next.next) ? [] : [next.text];
    // All VMs are set up to follow the head, so a move there without a known revision is left out.
    const { revision = null, text: atBoot = "" } = next.atBoot ?? {};
    return [...about, ...(revision === null ? [] : [atBoot])].map((text) => [text, name] as const);
  });
  return texts.length === 0 ? [] : ["next:", ...groupLines(texts)];
}

/** Fields that a newer version has written: this version keeps them, and does not know their meaning. */
function unknownNotes({ unknown }: FleetStatus): string[] {
  return unknown.length === 0
    ? []
    : [oneLine(`fields that this version does not know, so a newer one is in use: ${unknown.join("; ")}`, 500)];
}

/** Waves that have different revisions: a rollout is open, or was halted. */
function waveNotes({ approvals }: FleetStatus): string[] {
  if (new Set(Object.values(approvals)).size <= 1) {
    return [];
  }
  const waves = Object.entries(approvals).map(([wave, revision]) => `${wave} ${short(revision)}`);
  return [oneLine(`rollout open: ${waves.join(", ")}`, 500)];
}

/** Holds that have not expired. */
function activeHolds({ control, approvals }: FleetStatus): Hold[] {
  return control.holds.filter(({ revision }) => revision === undefined || Object.values(approvals).includes(revision));
}

function controlNotes(status: FleetStatus, now: Date): string[] {
  const { control, approvals } = status;
  const holds = activeHolds(status).map((hold) => `${holdText(hold)} (${age(hold.at, now)})`);
  const pins = Object.entries(control.pins).map(([vm, revision]) => `VM ${vm} pinned to ${short(revision)}`);
  const undone = Object.entries(control.instead).flatMap(([wave, pairs]) =>
    Object.entries(pairs)
      .filter(([bad]) => approvals[wave] === bad)
      .map(([bad, good]) => `wave ${wave}: ${revisionText(bad)} was rolled back, runs ${insteadText(good)} instead`),
  );
  // Once no VM is left on which it failed, the retry is over.
  const failedOn = (revision: string) =>
    status.vms.some(({ system }) => system?.outcome === "failed" && system.approved === revision);
  const retry = control.retry.filter(failedOn).map((revision) => `VMs on which ${short(revision)} failed try it again`);
  return [...holds, ...pins, ...undone, ...retry].map((line) => oneLine(line, 400));
}

function insteadText(good: string): string {
  return good === "previous" ? "what each VM ran before" : revisionText(good);
}

/** Details that do not fit into the table: the failure messages of VMs, and why homes failed. Groups of VMs have the VMs' messages already. */
function failureNotes(vms: readonly VmStatus[], table: readonly string[], isGrouped: boolean): string[] {
  if (isGrouped) {
    const homes = vms.flatMap((vm) => homeFailures(vm).map(([user, why]) => [why, `${user} (${vm.name})`] as const));
    return homes.length === 0 ? [] : ["homes:", ...groupLines(homes, mostReasons)];
  }
  return vms
    .flatMap((vm) => {
      const { name, owner, drift, reason } = vm;
      const whose = owner === null ? name : `${name} (${owner})`;
      const cut = drift === "failed" && reason !== null && !table.some((line) => line.includes(reason));
      return [
        ...(cut ? [`${whose}: ${reason}`] : []),
        ...homeFailures(vm).map(([user, why]) => `${whose}, home ${user}: ${why}`),
      ];
    })
    .map((line) => oneLine(line, 400));
}

/** The homes that failed or are unknown, by user, and why. */
function homeFailures({ homeDrift }: VmStatus): (readonly [string, string])[] {
  return Object.entries(homeDrift).flatMap(([user, { drift, reason }]) =>
    drift === "failed" || drift === "unknown" ? [[user, reason ?? drift] as const] : [],
  );
}
