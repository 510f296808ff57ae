import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../api-error";
import { fleetOptions, type Call, type Command } from "../command";
import { openFleet, type Context } from "../context";
import { UsageError } from "../errors";
import { readAllReports, readDecisions, readVms } from "../fleet";
import { buildStatus, isConverged, type FleetStatus } from "../status";
import { renderStatus } from "../status-table";

/** Milliseconds between two looks of `--watch`. */
const interval = 3_000;

export const status: Command = {
  name: "status",
  summary: "what every VM runs, what it should run, and why not",
  usage: "[--json] [--watch] [--check]",
  description: [
    "Shows the fleet's VMs: what they run (RUNS), what is approved for them (WANTED), and how the two stand",
    "(DRIFT: none, behind, ahead, waiting, held, failed, stopped, unknown).",
  ],
  examples: ["status", "status --watch", "status --json | jq -r '.vms[] | select(.drift != \"none\") | .name'"],
  options: {
    json: { description: "the same as one JSON document, with the VMs' full reports" },
    watch: { description: "keep looking, until Ctrl-C" },
    check: { description: "exit with 1 unless every running VM is where it should be and no rollout is open" },
    ...fleetOptions,
  },
  async run(call) {
    const { options } = call;
    if (options.flag("watch") && options.flag("check")) {
      throw new UsageError("status: --watch and --check do not go together");
    }
    const context = await openFleet(call);
    if (options.flag("watch")) {
      await watch(call, context);
      return 0;
    }
    const document = await readStatus(context);
    show(call, document);
    return options.flag("check") && !isConverged(document) ? 1 : 0;
  },
};

/** Reads all of the fleet once. */
async function readStatus({ compute, id }: Context): Promise<FleetStatus> {
  const [vms, metadata] = await Promise.all([readVms(compute, id), compute.projectMetadata()]);
  const reports = await readAllReports(compute, vms);
  return buildStatus(id, vms, readDecisions(metadata, id), reports, new Date());
}

function show(call: Call, document: FleetStatus): void {
  const lines = call.options.flag("json") ? [JSON.stringify(document, null, 2)] : renderStatus(document, call.colour);
  lines.forEach(call.print);
}

async function watch(call: Call, context: Context): Promise<void> {
  let shown = "";
  const interrupted = () => call.signal.aborted;
  while (!interrupted()) {
    let document: FleetStatus | undefined;
    try {
      document = await readStatus(context);
    } catch (error) {
      if (interrupted()) {
        return;
      }
      if (!(error instanceof ApiError && error.transient)) {
        throw error;
      }
      call.complain(`the Compute API does not answer (${error.message}); trying again`);
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
  const lines = renderStatus(document, call.colour);
  if (call.terminal) {
    // Back to the top, each line cleared to its end, and all below: no flicker.
    call.print(`\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`);
  } else if (text !== shown) {
    [...lines, ""].forEach(call.print);
  }
  return text;
}
