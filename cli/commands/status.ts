import { renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../google/api-error";
import { fleetOptions, revisionOptions, type Call, type Command } from "../command-line/command";
import { openFleet, openStacks, requireFleet, type FleetContext } from "../context";
import { readPageCode } from "../dashboard/page-code";
import { renderPage } from "../dashboard/page";
import { PageReader } from "../dashboard/reader";
import { didYouMean } from "../../rules/text/did-you-mean";
import { FleetError, UsageError } from "../errors";
import { reasonOf } from "../../rules/text/system-error";
import type { FleetStatus } from "../status/status";
import { branchReader, refreshInterval, reportsPerRefresh } from "../status/refresh";
import { StatusReader } from "../status/reader";
import { areConverged, combined, renderStacks, type StacksStatus } from "../status/stacks";
import { staleVms } from "../status/stale";
import { renderStatus } from "../status/table";
import { wrap } from "../text";
import { oneLine } from "../../rules/text/text";

/** Rows on a terminal; VMs that are well are not worth more than these. */
const rowsOnTerminal = 40;

export const command: Command = {
  name: "status",
  usage: "[VM…] [--wave WAVE] [--failed] [--stale TIME] [--watch] [--check] [--all] [--all-stacks] [--html FILE]",
  description: [
    "Shows the fleet's VMs: what they run (CURRENT), what they should run (DESIRED), and how the two differ",
    "(DRIFT: none, behind, ahead, waiting, held, failed, stopped, unknown). VMs that need attention come first.",
    "Below the table is what VMs do next by themselves, and why.",
  ],
  examples: [
    "status",
    "status --watch",
    "status --wave canary --failed",
    "status --stale 14d --check",
    "status dev-alice",
    "status --html fleet.html",
    "status --all-stacks --check",
    "status --json | jq -r '.vms[] | select(.drift != \"none\") | .name'",
  ],
  options: {
    json: { description: "the same as one JSON document, with the VMs' full reports" },
    watch: { description: "look again every 3 seconds, until Ctrl-C (exit code 130)" },
    wave: { value: "WAVE", description: "only this wave's VMs" },
    failed: { description: "only VMs whose update, or whose home's update, failed" },
    stale: {
      value: "TIME",
      description:
        "only VMs that have been off or behind for this long, such as 14d, or whose lock is that old; with --check, exit with 1 if there are any",
    },
    all: { description: "every VM, also of a large fleet on a terminal" },
    "all-stacks": { description: "all stacks of the fleet in this project, whatever --stack says" },
    html: {
      value: "FILE",
      complete: "file",
      description: "write the same as one page for a browser, with the history and the age of the lock",
    },
    check: { description: "exit with 1 unless every running VM is where it should be and no rollout is open" },
    ...revisionOptions,
    ...fleetOptions,
  },
  positionals: { least: 0, most: 1_000 },
  verbatim: true,
  async run(call) {
    const { options } = call;
    if (options.flag("watch") && options.flag("check")) {
      throw new UsageError("status: --watch and --check cannot be combined");
    }
    const file = options.text("html");
    if (options.flag("watch") && file !== undefined) {
      throw new UsageError("status: --watch and --html cannot be combined; fleet dashboard keeps the page up to date");
    }
    const everywhere = options.flag("all-stacks");
    if (everywhere && file !== undefined) {
      throw new UsageError("status: --all-stacks and --html cannot be combined; a page shows one stack");
    }
    const contexts = everywhere ? await openStacks(call) : [await openFleet(call)];
    const readers = contexts.map((context) => new StatusReader(context, branchReader(call)));
    const read: Read = async (most) => {
      const share = most && Math.ceil(most / readers.length);
      const documents = await Promise.all(readers.map((reader) => reader.read(share)));
      contexts.forEach((context, index) => requireFleet(context, documents[index]));
      return selected(call, documents);
    };
    if (options.flag("watch")) {
      await watch(call, read);
      return 130;
    }
    const documents = await read();
    const [context] = contexts;
    const [document] = documents;
    if (file !== undefined && context !== undefined && document !== undefined)
      await writePage(call, context, document, file);
    if (file === undefined || options.flag("json")) show(call, documents);
    return options.flag("check") && !passes(call, documents) ? 1 : 0;
  },
};

/** Reads the documents of all stacks that were asked for. @param most reports to read again */
type Read = (most?: number) => Promise<FleetStatus[]>;

/** Seconds of --stale; undefined if it was not given. */
function staleOf({ options }: Call): number | undefined {
  return options.text("stale") === undefined ? undefined : options.duration("stale", "0");
}

/** What --check asks: that no VM is stale, if that was asked for, or else that the fleet is where it should be. */
function passes(call: Call, documents: readonly FleetStatus[]): boolean {
  if (staleOf(call) !== undefined) return documents.every(({ vms }) => vms.length === 0);
  return areConverged(documents);
}

/** The documents with the VMs that the call names. @throws UsageError if the fleet does not have them */
function selected(call: Call, documents: readonly FleetStatus[]): FleetStatus[] {
  const { options, positionals } = call;
  const where = `fleet ${documents.map(({ fleet, stack }) => `${fleet}/${stack}`).join(" and ")}`;
  const names = documents.flatMap(({ vms }) => vms.map(({ name }) => name));
  const missing = positionals.find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw new UsageError(oneLine(`no VM ${missing} in ${where}${didYouMean(missing, names)}`, 300));
  }
  const wave = options.text("wave");
  const waves = [
    ...new Set(
      documents.flatMap(({ approvals, vms }) => [...Object.keys(approvals), ...vms.flatMap((vm) => vm.wave ?? [])]),
    ),
  ];
  if (wave !== undefined && !waves.includes(wave)) {
    const hint = didYouMean(wave, waves) || `; it has ${waves.join(", ") || "no waves"}`;
    throw new UsageError(oneLine(`no wave ${wave} in ${where}${hint}`, 300));
  }
  const stale = staleOf(call);
  return documents.map((document) => {
    const vms = document.vms.filter(
      (vm) =>
        (positionals.length === 0 || positionals.includes(vm.name)) &&
        (wave === undefined || vm.wave === wave) &&
        (!options.flag("failed") || [vm, ...Object.values(vm.homeDrift)].some(({ drift }) => drift === "failed")),
    );
    return { ...document, vms: stale === undefined ? vms : staleVms({ ...document, vms }, stale) };
  });
}

/** Writes the page whole or not at all: a web server may be reading the last one. */
async function writePage(call: Call, context: FleetContext, document: FleetStatus, file: string): Promise<void> {
  const [code, page] = await Promise.all([readPageCode(), new PageReader(call, context).around(document)]);
  const scratch = `${file}.${process.pid}`;
  try {
    writeFileSync(scratch, renderPage(page, code).html, { mode: 0o644 });
    renameSync(scratch, file);
  } catch (error) {
    rmSync(scratch, { force: true });
    throw new FleetError("NF211", oneLine(`status: --html ${file} cannot be written: ${reasonOf(error)}`, 400));
  }
  call.printError(`wrote ${file}`);
}

/** What there is to show as JSON: one document, or with --all-stacks those of all stacks. */
function json({ options }: Call, documents: readonly FleetStatus[]): FleetStatus | StacksStatus | undefined {
  return options.flag("all-stacks") ? combined(documents) : documents[0];
}

function show(call: Call, documents: readonly FleetStatus[]): void {
  const lines = call.options.flag("json") ? [JSON.stringify(json(call, documents), null, 2)] : table(call, documents);
  lines.forEach(call.print);
}

function table(call: Call, documents: readonly FleetStatus[]): string[] {
  const { options, terminal, size, colour } = call;
  const most = terminal && !options.flag("all") ? { rows: rowsOnTerminal } : {};
  const stale = staleOf(call);
  const look = {
    colour,
    ...(stale === undefined ? {} : { stale }),
    ...most,
    ...(size === undefined ? {} : { width: size().columns }),
  };
  return options.flag("all-stacks")
    ? renderStacks(documents, look)
    : documents.flatMap((one) => renderStatus(one, look));
}

/** As many lines as fit on the screen: the first ones, and the last, which sum up. */
function fitting(lines: readonly string[], { size }: Call, last: number): readonly string[] {
  const room = (size?.().rows ?? Infinity) - 1;
  return lines.length <= room ? lines : [...lines.slice(0, Math.max(0, room - 1 - last)), "…", ...lines.slice(-last)];
}

async function watch(call: Call, read: Read): Promise<void> {
  let shown = "";
  const interrupted = () => call.signal.aborted;
  while (!interrupted()) {
    let documents: FleetStatus[] | undefined;
    try {
      documents = await read(reportsPerRefresh);
    } catch (error) {
      if (interrupted()) {
        return;
      }
      if (!(error instanceof ApiError && error.transient)) {
        throw error;
      }
      call.printError(`the Compute API does not answer (${error.message}); trying again`);
    }
    if (documents !== undefined) {
      shown = showAgain(call, documents, shown);
    }
    await sleep(refreshInterval, undefined, { signal: call.signal }).catch(() => undefined);
  }
}

/** Shows one more look; returns what was shown, without the time. */
function showAgain(call: Call, documents: readonly FleetStatus[], shown: string): string {
  const at = documents[0]?.at ?? "";
  const text = JSON.stringify(documents.map(({ at: _, ...rest }) => rest));
  if (call.options.flag("json")) {
    // One document a line, when something other than the time is new.
    if (text !== shown) {
      call.print(JSON.stringify(json(call, documents)));
    }
    return text;
  }
  const lines = table(call, documents);
  const time = `at ${at.slice(11, 19)} UTC`;
  if (call.terminal) {
    const last = wrap(`${lines.pop() ?? ""} (${time}; Ctrl-C ends)`, call.size?.().columns ?? Infinity, 4);
    lines.push(...last);
    // Back to the top, each line cleared to its end, and all below: no flicker.
    call.print(
      `\u001b[H${fitting(lines, call, last.length)
        .map((line) => `${line}\u001b[K\n`)
        .join("")}\u001b[J`,
    );
  } else if (text !== shown) {
    [...lines, time, ""].forEach(call.print);
  }
  return text;
}
