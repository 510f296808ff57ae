/** The gate's output: a line when a VM's result changes, progress in between, and a final table with the reasons. */
import { short } from "../../rules/contract";
import { formatDuration } from "../../rules/text/duration";
import { reportOf } from "../../rules/report-reading";
import { type GateOptions, type GateState, type Result, type VmProgress } from "../../rules/gate/state";
import type { Verdict } from "../../rules/gate/verdict";
import { wavesText } from "../../rules/text/sentences";
import { revisionText } from "../status/revision-text";
import { withCode } from "../../rules/error-codes";
import { paint, renderTable, type Style } from "../command-line/table";
import { lastLines } from "../text";
import { firstOf, oneLine, truncate, plural } from "../../rules/text/text";

const styles: Record<Result, Style> = { pending: "yellow", succeeded: "green", failed: "red", deferred: "gray" };

/** Lines of the builder's output that are shown with a failure. */
const errorLines = 20;

/** Maximum number of VMs in the final table and in a line of progress; failures come first. */
const mostRows = 100;
const mostNames = 8;

/** One line for each VM whose result is new since `before`, and for each that is gone. */
export function changeLines(before: GateState, after: GateState, colour: boolean): string[] {
  const changed = [...after.vms.values()].filter((vm) => {
    const earlier = before.vms.get(vm.name);
    const isNewTransient = vm.transient !== undefined && vm.transient !== earlier?.transient;
    return isNewTransient || vm.result !== (earlier?.result ?? "pending");
  });
  const gone = [...after.gone].filter((name) => !before.gone.has(name));
  return [...changed.map((vm) => vmLine(vm, colour)), ...gone.map((name) => `${name}  deleted: not counted any more`)];
}

/** `dev-bob  updated  a1b2c3d → d4e5f6a  after 14 s`. */
function vmLine(progress: VmProgress, colour: boolean): string {
  const { name, result, reason, changedAt } = progress;
  const parts = [name, paint(word(progress), styles[result], colour), moved(progress)];
  const after = result === "pending" ? "" : `after ${formatDuration(changedAt)}`;
  return oneParagraph([...parts, after, reason ?? ""]);
}

/** `wave rest: waiting for 5 VMs to apply d4e5f6a`. */
export function beginLine({ vms }: GateState, { wave, revision, undo }: GateOptions): string {
  return undo === undefined
    ? oneLine(`wave ${wave}: waiting for ${plural(vms.size, "VM")} to apply ${short(revision)}`)
    : oneLine(`${wavesText(undo)}: waiting for ${plural(vms.size, "VM")} to leave ${short(revision)}`);
}

/** `rest: 2 of 5 done, waiting for dev-bob (building), dev-eve (is not there yet) (90 s)`. */
export function lifeLine({ vms }: GateState, { wave, undo }: GateOptions, at: number): string {
  const all = [...vms.values()];
  const pending = all.filter(({ result }) => result === "pending");
  const names = pending.map((vm) => {
    const why = waitsFor(vm);
    return why === undefined ? vm.name : `${vm.name} (${truncate(why, 80)})`;
  });
  const done = `${all.length - pending.length} of ${all.length} done`;
  return oneLine(
    `${undo?.join(", ") ?? wave}: ${done}, waiting for ${firstOf(names, mostNames)} (${formatDuration(at)})`,
  );
}

function waitsFor({ reason, reports }: VmProgress): string | undefined {
  const progress = reportOf(reports?.system)?.progress;
  return reason ?? (progress === undefined ? undefined : `at ${progress.stage}`);
}

/** The final table and, for each VM that failed, the last lines of its output. */
export function endLines(state: GateState, colour: boolean): string[] {
  const all = [...state.vms.values()];
  if (all.length === 0) {
    return [];
  }
  const failed = all.filter(({ result, transient }) => result === "failed" || transient !== undefined);
  const shown =
    all.length <= mostRows ? all : [...failed, ...all.filter((vm) => !failed.includes(vm))].slice(0, mostRows);
  const rows = shown.map((progress) => [
    progress.name,
    { text: word(progress), style: styles[progress.result] },
    revisionText(reportOf(progress.reports?.system)?.revision),
    truncate(progress.reason ?? "", 200),
  ]);
  const table = renderTable(["VM", "RESULT", "RUNS", "WHY"], rows, colour);
  const more = all.length === shown.length ? [] : [`and ${plural(all.length - shown.length, "VM")} more`];
  return ["", ...table, ...more, ...failed.slice(0, mostRows).flatMap((vm) => errorText(vm))];
}

/** `wave canary has answered; it has to run the revision for another 10 min`. */
export function pauseLine({ wave }: GateOptions, left: number): string {
  return `wave ${wave} has answered; it has to run the revision for another ${formatDuration(left)}`;
}

/** How the gate ended, in one line. */
export function endLine(verdict: Verdict, state: GateState, options: GateOptions, at: number): string {
  const { wave, revision, undo } = options;
  if (verdict.outcome === "unproved") {
    const line =
      undo === undefined
        ? `wave ${wave}: ${verdict.reason}; later waves are not approved, and nothing is held`
        : `${wavesText(undo)}: ${countsText([...state.vms.values()])}; ${verdict.reason}`;
    return withCode(oneLine(line, 800), "NF302");
  }
  if (verdict.outcome !== "failed") {
    return passedLine(state, options, at);
  }
  const line =
    undo === undefined
      ? `wave ${wave} failed: ${verdict.reason}; later waves are not approved`
      : `${wavesText(undo)} did not roll back from ${short(revision)}: ${verdict.reason}`;
  return withCode(oneLine(line, 500), verdict.stopped && state.unwritten ? "NF305" : "NF301");
}

/** `canary runs d4e5f6a: 1 succeeded, 2 deferred`. */
export function passedLine({ vms }: GateState, { wave, revision, undo }: GateOptions, at: number): string {
  const all = [...vms.values()];
  if (undo !== undefined) {
    return `${wavesText(undo)} left ${short(revision)}: ${countsText(all)}, after ${formatDuration(at)}`;
  }
  if (all.length === 0) {
    return `wave ${wave} has no VMs: passed`;
  }
  const counts = countsText(all);
  return all.some(({ proof }) => proof === true)
    ? `wave ${wave} runs ${short(revision)}: ${counts}, after ${formatDuration(at)}`
    : `wave ${wave} passed without a VM that runs ${short(revision)}: ${counts}`;
}

/** Says that later waves get a revision that nothing in this wave has proved. */
export function warningLine(warning: string, { wave }: GateOptions): string {
  return oneLine(`warning: wave ${wave}: ${warning}; later waves are approved all the same (minSucceeded is 0)`);
}

/** `1 succeeded, 2 deferred`. */
function countsText(all: readonly VmProgress[]): string {
  const results: Result[] = ["succeeded", "deferred", "failed", "pending"];
  const counts = results.map((result) => [result, all.filter((vm) => vm.result === result).length] as const);
  return counts
    .filter(([, count]) => count > 0)
    .map(([result, count]) => `${count} ${result}`)
    .join(", ");
}

/** What to do after the gate was interrupted. */
export function interruptedLine({ vms }: GateState, { wave, revision, undo }: GateOptions): string {
  const pending = [...vms.values()].filter(({ result }) => result === "pending").length;
  if (undo !== undefined) {
    return withCode(
      `stopped waiting for ${wavesText(undo)} (${plural(pending, "VM")} without an answer). Their VMs leave ${short(revision)} all the ` +
        "same; see how they stand: fleet status",
      "NF304",
    );
  }
  return withCode(
    `stopped waiting for wave ${wave} (${plural(pending, "VM")} without an answer). Nothing was rolled back: its VMs keep ` +
      `${short(revision)}, later waves are not approved. Go on with pulumi up, or only look: fleet status`,
    "NF304",
  );
}

function errorText({ name, reports }: VmProgress): string[] {
  const texts = [
    ["", reportOf(reports?.system)?.error] as const,
    ...Object.entries(reports?.homes ?? {}).map(([user, home]) => {
      const report = reportOf(home);
      return [`, home ${user}`, report?.outcome === "failed" ? report.error : undefined] as const;
    }),
  ];
  return texts.flatMap(([where, error]) => {
    const lines = lastLines(error ?? "", errorLines);
    return lines.length === 0 ? [] : ["", `${name}${where}:`, ...lines.map((line) => `    ${line}`)];
  });
}

/** The VM's own word for a success, ours for the rest. */
function word({ result, transient, reports }: VmProgress): string {
  const report = reportOf(reports?.system);
  if (transient !== undefined) return result === "failed" ? "failed, transient" : "failing";
  return result === "succeeded" && report !== null && report.outcome !== "failed" ? report.outcome : result;
}

function moved({ result, baseline, reports }: VmProgress): string {
  const report = reportOf(reports?.system);
  if (result !== "succeeded" || report === null) {
    return "";
  }
  const [from, to] = [revisionText(baseline?.revision), revisionText(report.revision)];
  return from === "" || from === to ? to : `${from} → ${to}`;
}

function oneParagraph(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("  ");
}
