/** What a gate prints: a line when a VM's result changes, a sign of life in between, and the end's table with the reasons. */
import { short } from "../../rules/contract";
import { formatDuration } from "../duration";
import type { Verdict } from "./gate";
import type { GateOptions, GateState, Result, VmProgress } from "./state";
import { reportOf } from "../reports";
import { revisionText } from "../status/table";
import { paint, renderTable, type Style } from "../table";
import { lastLines, oneLine, plural, truncate } from "../text";

const styles: Record<Result, Style> = { pending: "yellow", succeeded: "green", failed: "red", deferred: "gray" };

/** Lines of the builder's output that a failure is shown with. */
const errorLines = 20;

/** One line for each VM whose result is new since `before`, and for each that is gone. */
export function changeLines(before: GateState, after: GateState, colour: boolean): string[] {
  const changed = [...after.vms.values()].filter((vm) => {
    const earlier = before.vms.get(vm.vm.name);
    return vm.result !== (earlier?.result ?? "pending");
  });
  const gone = [...before.vms.keys()].filter((name) => !after.vms.has(name));
  return [...changed.map((vm) => vmLine(vm, colour)), ...gone.map((name) => `${name}  deleted: not counted any more`)];
}

/** `dev-bob  updated  a1b2c3d → d4e5f6a  after 14 s`. */
function vmLine(progress: VmProgress, colour: boolean): string {
  const { vm, result, reason, changedAt } = progress;
  const parts = [vm.name, paint(word(progress), styles[result], colour), moved(progress)];
  const after = result === "pending" ? "" : `after ${formatDuration(changedAt)}`;
  return oneParagraph([...parts, after, reason ?? ""]);
}

/** `wave rest: waiting for 5 VMs to take in d4e5f6a…`, the revision in full. */
export function beginLine({ vms }: GateState, { wave, revision, undo }: GateOptions): string {
  return undo === undefined
    ? oneLine(`wave ${wave}: waiting for ${plural(vms.size, "VM")} to take in ${revision}`)
    : oneLine(`${wavesText(undo)}: waiting for ${plural(vms.size, "VM")} to leave ${revision}`);
}

/** `rest: 2 of 5 done, waiting for dev-bob, dev-eve (90 s)`. */
export function lifeLine({ vms }: GateState, { wave, undo }: GateOptions, at: number): string {
  const all = [...vms.values()];
  const pending = all.filter(({ result }) => result === "pending").map(({ vm }) => vm.name);
  const names = pending.slice(0, 8).join(", ") + (pending.length > 8 ? ` and ${pending.length - 8} more` : "");
  return oneLine(
    `${undo?.join(", ") ?? wave}: ${all.length - pending.length} of ${all.length} done, waiting for ${names} (${formatDuration(at)})`,
  );
}

/** The table at the end and, for each VM that failed, the last lines of what it said. */
export function endLines(state: GateState, colour: boolean): string[] {
  const all = [...state.vms.values()];
  if (all.length === 0) {
    return [];
  }
  const rows = all.map((progress) => [
    progress.vm.name,
    { text: word(progress), style: styles[progress.result] },
    revisionText(reportOf(progress.reports?.system)?.revision),
    truncate(progress.reason ?? "", 200),
  ]);
  const table = renderTable(["VM", "RESULT", "RUNS", "WHY"], rows, colour);
  return ["", ...table, ...all.filter(({ result }) => result === "failed").flatMap((vm) => errorText(vm))];
}

/** `wave canary has answered; it has to stand for another 10 min`. */
export function soakLine({ wave }: GateOptions, left: number): string {
  return `wave ${wave} has answered; it has to stand for another ${formatDuration(left)}`;
}

/** How the gate ended, in one line. */
export function endLine(verdict: Verdict, state: GateState, options: GateOptions, at: number): string {
  if (verdict.outcome !== "failed") {
    return passedLine(state, options, at);
  }
  const { wave, revision, undo } = options;
  return undo === undefined
    ? oneLine(`wave ${wave} failed: ${verdict.reason}; later waves are not approved`)
    : oneLine(`${wavesText(undo)} did not leave ${short(revision)} as they should: ${verdict.reason}`);
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
  const moved = all.some(({ result }) => result === "succeeded");
  return moved
    ? `wave ${wave} runs ${short(revision)}: ${counts}, after ${formatDuration(at)}`
    : `wave ${wave} passed without a VM that runs ${short(revision)}: ${counts}`;
}

/** `1 succeeded, 2 deferred`. */
export function countsText(all: readonly VmProgress[]): string {
  const results: Result[] = ["succeeded", "deferred", "failed", "pending"];
  const counts = results.map((result) => [result, all.filter((vm) => vm.result === result).length] as const);
  return counts
    .filter(([, count]) => count > 0)
    .map(([result, count]) => `${count} ${result}`)
    .join(", ");
}

/** How to go on after the gate was interrupted. */
export function interruptedLine({ vms }: GateState, { wave, revision, undo }: GateOptions): string {
  const pending = [...vms.values()].filter(({ result }) => result === "pending").length;
  if (undo !== undefined) {
    return (
      `stopped waiting for ${wavesText(undo)} (${plural(pending, "VM")} without an answer). Their VMs leave ${short(revision)} all the ` +
      "same; see how they stand: ./scripts/fleet status"
    );
  }
  return (
    `stopped waiting for wave ${wave} (${plural(pending, "VM")} without an answer). Nothing was taken back: its VMs go on with ` +
    `${short(revision)}, later waves are not approved. Go on with pulumi up, or only look: ./scripts/fleet status`
  );
}

/** `wave rest`, `waves canary, rest`. */
export function wavesText(waves: readonly string[]): string {
  return `wave${waves.length === 1 ? "" : "s"} ${waves.join(", ")}`;
}

function errorText({ vm, reports }: VmProgress): string[] {
  const texts = [
    ["", reportOf(reports?.system)?.error] as const,
    ...Object.entries(reports?.homes ?? {}).map(([user, home]) => {
      const report = reportOf(home);
      return [`, home ${user}`, report?.outcome === "failed" ? report.error : undefined] as const;
    }),
  ];
  return texts.flatMap(([where, error]) => {
    const lines = lastLines(error ?? "", errorLines);
    return lines.length === 0 ? [] : ["", `${vm.name}${where}:`, ...lines.map((line) => `    ${line}`)];
  });
}

/** The VM's own word for a success, ours for the rest. */
function word({ result, reports }: VmProgress): string {
  const report = reportOf(reports?.system);
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
