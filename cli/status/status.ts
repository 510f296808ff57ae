/** The state of a fleet, decided purely from what was read. `fleet status --json` prints this document. */
import { groupEntries } from "../../rules/group-entries";
import { short, type Drift } from "../../rules/contract";
import type { Approval } from "../../rules/rollout/approval";
import { formatDuration } from "../../rules/text/duration";
import { own } from "../../rules/text/json";
import { predict, type Prediction } from "../../rules/decision/prediction";
import { failureText, holdText, waitsFor } from "../../rules/text/sentences";
import type { Decisions, FleetId, FleetVm } from "../fleet";
import { branchFor, dateOf, type Branch } from "./branch";
import { homeStatus, silentAfter, type HomeStatus } from "./homes";
import { overdueOf, type Overdue } from "./stale";
import { fleetItemsReader, type FleetItemsReader } from "../../rules/rollout/fleet-items";
import { type Control, holdOn, wantedBy, type Hold } from "../../rules/rollout/control-item";
import { runsRevision, type Report } from "../../rules/report";
import { reportOf, type Reading, type VmReports } from "../../rules/report-reading";
import { oneLine } from "../../rules/text/text";

/** A VM in the document. */
export interface VmStatus {
  name: string;
  zone: string;
  /** Compute's word for it, such as RUNNING or TERMINATED. */
  state: string;
  wave: string | null;
  owner: string | null;
  /** The full revision that it should run, or `previous`; null if nothing is approved for it. */
  wanted: string | null;
  system: Report | null;
  /** By user; null if a home has no valid report. */
  homes: Record<string, Report | null>;
  /** By user, for every home that the VM keeps. */
  homeDrift: Record<string, HomeStatus>;
  drift: Drift;
  /** Why, in one line; null if there is no reason to show. */
  reason: string | null;
  /** What it does next by itself, and why. */
  next: Prediction;
  /** Since when it is off or without a successful update; null if neither applies. */
  overdue: Overdue | null;
  /** The commit time of the revision that it runs. Its lock is at least as old. Null if unknown. */
  revisionAt: string | null;
}

/** The document that `fleet status --json` prints. */
export interface FleetStatus extends FleetId {
  /** RFC 3339, UTC. */
  at: string;
  /** The approved full revision of each wave. */
  approvals: Record<string, string>;
  /** By wave, for waves whose approval is urgent: the reason, if one was given. */
  urgent: Record<string, string | null>;
  control: Control;
  /** What could not be read, one line each. */
  problems: string[];
  /** Fields that this version does not know, one line each: the program that wrote them is newer. */
  unknown: string[];
  /** The branches that VMs follow by themselves. */
  branches: Omit<Branch, "parents" | "dates">[];
  vms: VmStatus[];
}

/** The facts that decide a VM's drift. */
export interface DriftInput {
  state: string;
  wave: string | null;
  wanted: string | undefined;
  /** The approval of the VM's wave; differs from `wanted` if the VM is pinned or its wave undone. */
  approval: string | undefined;
  hold: Hold | undefined;
  reading: Reading;
  follow: "branch" | "approved";
  /** Seconds since the VM was started; undefined if unknown. */
  running: number | undefined;
  now?: Date;
}

/** The VM's drift from its desired revision, and the reason in one line. */
export function decideDrift(input: DriftInput): { drift: Drift; reason: string | null } {
  const { state, wave, wanted, approval, hold, reading, follow } = input;
  if (state === "PROVISIONING" || state === "STAGING") {
    return { drift: "waiting", reason: "is being started" };
  }
  if (state !== "RUNNING") {
    return { drift: "stopped", reason: null };
  }
  if (reading.kind === "invalid") {
    return { drift: "unknown", reason: reading.problem };
  }
  if (reading.kind === "none") {
    return decideSilent(input);
  }
  const { revision, approved, outcome } = reading.report;
  const current =
    wanted === undefined
      ? wave === null
      : wanted === "previous"
        ? approved === approval && revision !== approval
        : revision === wanted;
  // A failure under an approval that has since been replaced does not count.
  if (outcome === "failed" && (current || approved === undefined || approval === undefined || approved === approval)) {
    return { drift: "failed", reason: failureText(reading.report) };
  }
  if (current && !runsRevision(reading.report, revision)) {
    return { drift: "waiting", reason: `${short(revision)} runs after its next boot` };
  }
  // Nothing is approved for a VM without a wave. But it may wait for something itself, such as metadata that it has lost.
  if (current && !(wave === null && outcome === "deferred")) {
    return { drift: "none", reason: hold === undefined ? null : holdText(hold) };
  }
  if (hold !== undefined) {
    return { drift: "held", reason: holdText(hold) };
  }
  if (outcome === "held") {
    return { drift: "held", reason: "held on the VM itself" };
  }
  if (outcome === "deferred") {
    return { drift: "waiting", reason: firstLine(reading.report.error) ?? "deferred" };
  }
  if (wanted === undefined) {
    return { drift: "waiting", reason: "its wave is not approved yet" };
  }
  // The VM applied the approval and now runs another revision: it followed the branch, which only this mode allows.
  if (approved === wanted && wanted === approval && follow === "branch") {
    return { drift: "ahead", reason: "follows the branch past the approval" };
  }
  return { drift: "behind", reason: behindReason(reading.report, input) };
}

/** Seconds after its boot until a VM and its homes check for an update, if `onBoot` has its default. A VM reports no other value. */
export const bootUpdateAfter = 5 * 60;
export const homeUpdateAfter = 10 * 60;

/** What a VM that is behind does about it, as far as it reports this. */
function behindReason(report: Report, { running, now }: DriftInput): string | null {
  const { progress, waiting, outcome } = report;
  if (progress !== undefined) {
    const since = now && secondsSince(progress.since, now);
    return oneLine(`updating (${progress.stage}${since === undefined ? "" : `, ${formatDuration(since)}`})`, 80);
  }
  if (waiting !== undefined) {
    const until = waiting.until === undefined ? "" : ` until ${waiting.until}`;
    return oneLine(`${waitsFor(waiting.for)}${until}`, 120);
  }
  if (running !== undefined && running < bootUpdateAfter) {
    return `boot update in about ${formatDuration(bootUpdateAfter - running)}`;
  }
  return outcome === "failed" ? `before: ${failureText(report)}` : null;
}

function decideSilent({ hold, running }: DriftInput): { drift: Drift; reason: string | null } {
  if (hold !== undefined) {
    return { drift: "held", reason: holdText(hold) };
  }
  if (running === undefined || running < silentAfter) {
    return { drift: "waiting", reason: "has not reported yet" };
  }
  return { drift: "unknown", reason: "has never reported" };
}

/** The document for a fleet that was read at one moment. */
export function buildStatus(
  id: FleetId,
  vms: readonly FleetVm[],
  decisions: Decisions,
  reports: ReadonlyMap<string, VmReports>,
  now: Date,
  branches: readonly Branch[] = [],
): FleetStatus {
  const { approvals, control, problems } = decisions;
  const items = fleetItemsReader(decisions.metadata);
  return {
    fleet: id.fleet,
    stack: id.stack,
    at: now.toISOString(),
    approvals: revisionsOf(approvals),
    urgent: Object.fromEntries(
      Object.entries(approvals).flatMap(([wave, { urgent, why }]) => (urgent === true ? [[wave, why ?? null]] : [])),
    ),
    control,
    problems,
    unknown: [...decisions.unknown, ...unknownInReports(reports)],
    branches: branches.map(({ parents: _, dates: __, ...branch }) => branch),
    vms: vms.map((vm) => vmStatus(vm, decisions, items, reports.get(vm.name), now, branches)),
  };
}

/** Unknown fields of reports, grouped by VMs. */
function unknownInReports(reports: ReadonlyMap<string, VmReports>): string[] {
  const fieldsOf = (reading: Reading) => (reading.kind === "report" ? (reading.unknown ?? []) : []);
  const fields = [...reports].flatMap(([vm, { system, homes }]) => [
    ...fieldsOf(system).map((field) => [`report: ${field}`, vm] as const),
    ...Object.values(homes)
      .flatMap(fieldsOf)
      .map((field) => [`report of a home: ${field}`, vm] as const),
  ]);
  return [...groupEntries(fields)].map(([what, [first = "", ...more]]) =>
    oneLine(`${what} (${first}${more.length === 0 ? "" : ` and ${more.length} more`})`, 300),
  );
}

/** The approved revision of each wave. */
export function revisionsOf(approvals: Readonly<Record<string, Approval>>): Record<string, string> {
  return Object.fromEntries(Object.entries(approvals).map(([wave, { revision }]) => [wave, revision]));
}

function vmStatus(
  vm: FleetVm,
  { approvals, control, metadata }: Decisions,
  items: FleetItemsReader,
  reports: VmReports | undefined,
  now: Date,
  branches: readonly Branch[],
): VmStatus {
  const approval = own(approvals, vm.wave);
  const approved = approval?.revision;
  const wanted = wantedBy(control, vm, approved);
  const reading = reports?.system ?? { kind: "none" };
  const { drift, reason } = decideDrift({
    state: vm.state,
    wave: vm.wave,
    wanted,
    approval: approved,
    hold: holdOn(control, vm, approved),
    reading,
    follow: vm.follow,
    running: secondsSince(vm.startedAt, now),
    now,
  });
  const homes = Object.entries(reports?.homes ?? {}).map(([user, home]) => [user, reportOf(home)] as const);
  const around = { state: vm.state, system: reportOf(reading), approval, running: secondsSince(vm.startedAt, now) };
  const homeDrift = vm.homes.map((home) => [home.user, homeStatus(home, reports?.homes[home.user], around)] as const);
  return {
    name: vm.name,
    zone: vm.zone,
    state: vm.state,
    wave: vm.wave,
    owner: vm.owner,
    wanted: wanted ?? null,
    system: reportOf(reading),
    homes: Object.fromEntries(homes),
    homeDrift: Object.fromEntries(homeDrift),
    drift,
    reason,
    next: predict({
      ...{ name: vm.name, state: vm.state, item: vm.item, projectMetadata: metadata, items, report: reportOf(reading) },
      ...branchFor(branches, vm, reportOf(reading)?.revision),
    }),
    overdue:
      overdueOf({
        drift,
        report: reportOf(reading),
        state: vm.state,
        startedAt: vm.startedAt,
        stoppedAt: vm.stoppedAt,
      }) ?? null,
    revisionAt: dateOf(branches, reportOf(reading)?.revision) ?? null,
  };
}

/**
 * Whether every running VM is where it should be, with its homes, and no rollout is open or halted: this is what `--check` tests. A home
 * that has not reported since its VM's start does not count: its user may never have logged in.
 */
export function isConverged(status: FleetStatus): boolean {
  const settled = status.vms.every(
    ({ drift, homeDrift }) =>
      ["none", "stopped"].includes(drift) &&
      Object.values(homeDrift).every((home) => ["none", "stopped", "waiting"].includes(home.drift)),
  );
  return settled && new Set(Object.values(status.approvals)).size <= 1 && status.problems.length === 0;
}

/** Seconds from an RFC 3339 time to now; undefined if the text is no time. */
export function secondsSince(time: string | undefined, now: Date): number | undefined {
  const seconds = (now.getTime() - Date.parse(time ?? "")) / 1_000;
  return Number.isNaN(seconds) ? undefined : seconds;
}

function firstLine(text: string | undefined): string | undefined {
  const line = text?.split("\n")[0];
  return line === undefined || line === "" ? undefined : oneLine(line, 200);
}
