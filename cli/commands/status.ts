import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../google/api-error";
import { fleetOptions, revisionOptions, type Call, type Command } from "../command-line/command";
import { openFleet } from "../context";
import { didYouMean } from "../../rules/text/did-you-mean";
import { UsageError } from "../errors";
import type { FleetVm } from "../fleet";
import { readBranches, type Branch } from "../status/branch";
import { isConverged, type FleetStatus } from "../status/status";
import { StatusReader } from "../status/reader";
import { renderStatus } from "../status/table";
import { oneLine } from "../../rules/text/text";

/** Milliseconds between two looks of `--watch`. */
const interval = 3_000;
/** Milliseconds for which it goes by what a branch was. */
const branchInterval = 60_000;
/** Reports that one of them reads again: with the lists 11 reads a second, below half of Compute's quota of 1,500 a minute. */
const readsPerLook = 30;
/** Rows on a terminal; VMs that are well are not worth more than these. */
const rowsOnTerminal = 40;

export const command: Command = {
  name: "status",
  usage: "[VM…] [--wave WAVE] [--failed] [--watch] [--check] [--all]",
  description: [
    "Shows the fleet's VMs: what they run (CURRENT), what they should run (DESIRED), and how the two stand",
    "(DRIFT: none, behind, ahead, waiting, held, failed, stopped, unknown). What needs a person comes first.",
    "Below it is what VMs do next by themselves, and why.",
  ],
  examples: [
    "status",
    "status --watch",
    "status --wave canary --failed",
    "status dev-alice",
    "status --json | jq -r '.vms[] | select(.drift != \"none\") | .name'",
  ],
  options: {
    json: { description: "the same as one JSON document, with the VMs' full reports" },
    watch: { description: "look again every 3 seconds, until Ctrl-C (exit code 130)" },
    wave: { value: "WAVE", description: "only this wave's VMs" },
    failed: { description: "only VMs whose update, or whose home's update, failed" },
    all: { description: "every VM, also of a large fleet on a terminal" },
    check: { description: "exit with 1 unless every running VM is where it should be and no rollout is open" },
    ...revisionOptions,
    ...fleetOptions,
  },
  positionals: { least: 0, most: 1_000 },
  async run(call) {
    const { options } = call;
    if (options.flag("watch") && options.flag("check")) {
      throw new UsageError("status: --watch and --check cannot be combined");
    }
    const context = await openFleet(call);
    const reader = new StatusReader(context, branchReader(call));
    if (options.flag("watch")) {
      await watch(call, reader);
      return 130;
    }
    const document = selected(call, await reader.read());
    show(call, document);
    return options.flag("check") && !isConverged(document) ? 1 : 0;
  },
};

/** Reads branches, and reads them again after a minute: a watch looks every few seconds. */
function branchReader({ options, signal, env }: Call): (vms: readonly FleetVm[]) => Promise<Branch[]> {
  let last: { at: number; branches: Promise<Branch[]> } | undefined;
  return (vms) => {
    if (last === undefined || Date.now() - last.at > branchInterval)
      last = { at: Date.now(), branches: readBranches(vms, options.text("resolve-from"), { signal, env }) };
    return last.branches;
  };
}

/** The document with the VMs that the call names. @throws UsageError where the fleet does not have them */
function selected({ options, positionals }: Call, document: FleetStatus): FleetStatus {
  const where = `fleet ${document.fleet}/${document.stack}`;
  const names = document.vms.map(({ name }) => name);
  const missing = positionals.find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw new UsageError(oneLine(`no VM ${missing} in ${where}${didYouMean(missing, names)}`, 300));
  }
  const wave = options.text("wave");
  const waves = [...new Set([...Object.keys(document.approvals), ...document.vms.flatMap((vm) => vm.wave ?? [])])];
  if (wave !== undefined && !waves.includes(wave)) {
    const hint = didYouMean(wave, waves) || `; it has ${waves.join(", ") || "no waves"}`;
    throw new UsageError(oneLine(`no wave ${wave} in ${where}${hint}`, 300));
  }
  const vms = document.vms.filter(
    (vm) =>
      (positionals.length === 0 || positionals.includes(vm.name)) &&
      (wave === undefined || vm.wave === wave) &&
      (!options.flag("failed") || [vm, ...Object.values(vm.homeDrift)].some(({ drift }) => drift === "failed")),
  );
  return { ...document, vms };
}

function show(call: Call, document: FleetStatus): void {
  const lines = call.options.flag("json") ? [JSON.stringify(document, null, 2)] : table(call, document);
  lines.forEach(call.print);
}

function table({ options, terminal, size, colour }: Call, document: FleetStatus): string[] {
  const most = terminal && !options.flag("all") ? { rows: rowsOnTerminal } : {};
  return renderStatus(document, { colour, ...most, ...(size === undefined ? {} : { width: size().columns }) });
}

/** As many lines as fit on the screen: the first ones, and the last, which sums up. */
function fitting(lines: readonly string[], { size }: Call): readonly string[] {
  const room = (size?.().rows ?? Infinity) - 1;
  return lines.length <= room ? lines : [...lines.slice(0, Math.max(0, room - 2)), "…", ...lines.slice(-1)];
}

async function watch(call: Call, reader: StatusReader): Promise<void> {
  let shown = "";
  const interrupted = () => call.signal.aborted;
  while (!interrupted()) {
    let document: FleetStatus | undefined;
    try {
      document = selected(call, await reader.read(readsPerLook));
    } catch (error) {
      if (interrupted()) {
        return;
      }
      if (!(error instanceof ApiError && error.transient)) {
        throw error;
      }
      call.printError(`the Compute API does not answer (${error.message}); trying again`);
    }
    if (document !== undefined) {
      shown = showAgain(call, document, shown);
    }
    await sleep(interval, undefined, { signal: call.signal }).catch(() => undefined);
  }
}

/** Shows one more look; returns what was shown, without the time. */
function showAgain(call: Call, document: FleetStatus, shown: string): string {
  const { at, ...rest } = document;
  const text = JSON.stringify(rest);
  if (call.options.flag("json")) {
    // One document a line, when something other than the time is new.
    if (text !== shown) {
      call.print(JSON.stringify({ at, ...rest }));
    }
    return text;
  }
  const lines = table(call, document);
  const time = `at ${at.slice(11, 19)} UTC; Ctrl-C ends`;
  if (call.terminal) {
    lines.push(`${lines.pop() ?? ""} (${time})`);
    // Back to the top, each line cleared to its end, and all below: no flicker.
    call.print(
      `\u001b[H${fitting(lines, call)
        .map((line) => `${line}\u001b[K\n`)
        .join("")}\u001b[J`,
    );
  } else if (text !== shown) {
    [...lines, ""].forEach(call.print);
  }
  return text;
}
