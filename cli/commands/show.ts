import { fleetOptions, revisionOptions, type Command } from "../command-line/command";
import { openFleet, requireVms } from "../context";
import { holdOn, holdsOn } from "../../rules/rollout/control-item";
import type { Report } from "../../rules/report";
import { formatDuration } from "../../rules/text/duration";
import { own } from "../../rules/text/json";
import { readAllReports, readDecisions, type FleetVm } from "../fleet";
import { readBranches } from "../status/branch";
import {
  bootUpdateAfter,
  buildStatus,
  homeUpdateAfter,
  secondsSince,
  type FleetStatus,
  type VmStatus,
} from "../status/status";
import { revisionText } from "../status/revision-text";
import { failingText, failureText, holdText } from "../../rules/text/sentences";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "show",
  usage: "VM",
  description: [
    "Shows one VM: its metadata, approval, desired revision, holds and pin, current revision and last report, its boot and",
    "reboots, what it does next by itself and when, and its homes.",
  ],
  examples: ["show dev-alice", "show dev-alice --json | jq -r .vm.system.toplevel"],
  options: { json: { description: "the same as one JSON document" }, ...revisionOptions, ...fleetOptions },
  positionals: { least: 1, most: 1 },
  async run(call) {
    const context = await openFleet(call);
    const vms = await requireVms(context, call.positionals);
    const { options, signal, env } = call;
    const [metadata, reports, branches] = await Promise.all([
      context.compute.projectMetadata(),
      readAllReports(context.compute, vms),
      readBranches(vms, options.text("resolve-from"), { signal, env }),
    ]);
    const status = buildStatus(context.id, vms, readDecisions(metadata, context.id), reports, new Date(), branches);
    const [vm, shown] = [vms[0], status.vms[0]];
    if (vm === undefined || shown === undefined) return 1;
    const { item: _, ...written } = vm;
    const { at, branches: read, unknown } = status;
    const about = { at, metadata: written, vm: shown, ...decisionsAbout(vm, status), branches: read, unknown };
    const document = { ...context.id, ...about };
    (options.flag("json") ? [JSON.stringify(document, null, 2)] : showLines(vm, shown, status)).forEach(call.print);
    return 0;
  },
};

function decisionsAbout(vm: FleetVm, { approvals, control }: FleetStatus) {
  const approved = own(approvals, vm.wave);
  return {
    approved: approved ?? null,
    hold: holdOn(control, vm, approved) ?? null,
    holds: holdsOn(control, vm, approved),
    pin: control.pins[vm.name] ?? null,
  };
}

/** A line for each thing that is known about a VM. */
export function showLines(vm: FleetVm, shown: VmStatus, status: FleetStatus): string[] {
  const now = new Date(status.at);
  const ago = (at: string | undefined) => {
    const seconds = secondsSince(at, now);
    return seconds === undefined ? "at an unknown time" : `${formatDuration(seconds)} ago`;
  };
  const { approved, holds, pin } = decisionsAbout(vm, status);
  const { system } = shown;
  const rows: [string, string | null][] = [
    ["state", `${vm.state}${vm.startedAt === undefined ? "" : `, started ${ago(vm.startedAt)}`}, in ${vm.zone}`],
    ["owner", vm.owner],
    ["wave", vm.wave],
    ["metadata", vm.item ?? "none: it is not the fleet's yet"],
    ["source", vm.source === undefined ? null : `${vm.source.repository}, branch ${vm.source.branch}`],
    [
      "follows",
      vm.follow === "branch" ? "the branch at its boot, the wave's approval while it runs" : "approvals only",
    ],
    ["approved", approved === null ? "nothing" : approved],
    ["desired", shown.wanted === "previous" ? "what it ran before" : shown.wanted],
    ["pinned", pin],
    ...holds.map((hold): [string, string] => ["held", holdText(hold)]),
    ["runs", system === null ? "has not reported" : system.revision],
    ["system", system?.toplevel ?? null],
    ["last run", system === null ? null : `${system.outcome}, ${ago(system.at)}, agent ${system.agent}`],
    ["failure", system?.outcome === "failed" ? failureText(system) : null],
    ["failing", system?.failing === undefined ? null : failingText(system.failing)],
    ["booted", system === null ? null : ago(system.bootedAt)],
    ["reboot", rebootText(system)],
    ["drift", `${shown.drift}${shown.reason === null ? "" : `: ${shown.reason}`}`],
    ["next", shown.next.text],
    ["at boot", shown.next.atBoot?.text ?? null],
    ["timers", timersText(vm, secondsSince(vm.startedAt, now))],
    ...Object.entries(shown.homeDrift).map(([user, { drift, reason }]): [string, string] => {
      const report = shown.homes[user] ?? null;
      const last = report === null ? "" : `${revisionText(report.revision)}, ${report.outcome}, ${ago(report.at)}, `;
      return [`home ${user}`, `${last}${drift}${reason === null ? "" : `: ${reason}`}`];
    }),
  ];
  const unknown = status.unknown.map((field): [string, string] => ["not known", field]);
  const known = [...rows, ...unknown].flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
  const width = Math.max(...known.map(([key]) => key.length));
  return [vm.name, ...known.map(([key, value]) => `  ${key.padEnd(width)}  ${oneLine(value, 400)}`)];
}

function rebootText(system: Report | null): string | null {
  const pending =
    system?.pending === undefined ? null : `${revisionText(system.pending.revision)} runs after the next boot`;
  return system?.rebootRequired === true ? `required${pending === null ? "" : `; ${pending}`}` : pending;
}

/** When its timers start an update next, as far as that is known outside of it. @param running seconds since its start */
function timersText({ name, state }: Pick<FleetVm, "name" | "state">, running: number | undefined): string {
  const times = (of: string) =>
    `system about ${formatDuration(bootUpdateAfter)} and homes about ${formatDuration(homeUpdateAfter)} after ${of}, unless onBoot differs`;
  if (state !== "RUNNING" || running === undefined) return times(state === "RUNNING" ? "each boot" : "its next boot");
  const due = Object.entries({ system: bootUpdateAfter, homes: homeUpdateAfter }).filter(
    ([, after]) => after > running,
  );
  return due.length > 0
    ? `${due.map(([whose, after]) => `${whose} in about ${formatDuration(after - running)}`).join(", ")}, unless onBoot differs`
    : `${times("its next boot")}; a schedule of its own: fleet ssh ${name} -- nixos-auto-update status`;
}
