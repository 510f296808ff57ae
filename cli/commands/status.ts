import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../google/api-error";
import { fleetOptions, type Call, type Command } from "../command";
import { openFleet } from "../context";
import { UsageError } from "../errors";
import { isConverged, type FleetStatus } from "../status/status";
import { StatusReader } from "../status/reader";
import { renderStatus } from "../status/table";

/** Milliseconds between two looks of `--watch`. */
const interval = 3_000;
/** Reports that one of them reads anew: with the lists 11 reads a second, below half of Compute's quota of 1,500 a minute. */
const readsPerLook = 30;
/** Rows on a terminal; VMs that are well are not worth more than these. */
const rowsOnTerminal = 40;

export const command: Command = {
  name: "status",
  usage: "[--json] [--watch] [--check] [--all]",
  description: [
    "Shows the fleet's VMs: what they run (CURRENT), what they should run (DESIRED), and how the two stand",
    "(DRIFT: none, behind, ahead, waiting, held, failed, stopped, unknown). What needs a person comes first.",
  ],
  examples: ["status", "status --watch", "status --json | jq -r '.vms[] | select(.drift != \"none\") | .name'"],
  options: {
    json: { description: "the same as one JSON document, with the VMs' full reports" },
    watch: { description: "keep looking, until Ctrl-C" },
    all: { description: "every VM, also of a large fleet on a terminal" },
    check: { description: "exit with 1 unless every running VM is where it should be and no rollout is open" },
    ...fleetOptions,
  },
  async run(call) {
    const { options } = call;
    if (options.flag("watch") && options.flag("check")) {
      throw new UsageError("status: --watch and --check do not go together");
    }
    const context = await openFleet(call);
    const reader = new StatusReader(context);
    if (options.flag("watch")) {
      await watch(call, reader);
      return 130;
    }
    const document = await reader.read();
    show(call, document);
    return options.flag("check") && !isConverged(document) ? 1 : 0;
  },
};

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
      document = await reader.read(readsPerLook);
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
  if (call.terminal) {
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
