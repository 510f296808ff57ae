import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { short } from "../../rules/contract";
import { awaitWave, type GateEnd } from "../gate/await";
import { allowedFailures, parseBudget } from "../gate/budget";
import { fleetOptions, type Call, type Command } from "../command";
import { openFleet, variable, type FleetContext } from "../context";
import { FleetError, messageOf, UsageError } from "../errors";
import { readDecisions, type FleetId } from "../fleet";
import { told, withHistory } from "../gate/history";
import type { GateOptions, GateState } from "../gate/state";
import { recordEvent } from "../history";
import { react, reactions, type Reacted, type Reaction } from "../gate/on-failure";
import { reportOf } from "../reports";
import { oneLine } from "../text";

const exitCodes: Record<GateEnd["outcome"], number> = { passed: 0, failed: 1, interrupted: 130 };

export const command: Command = {
  name: "await",
  usage: "--wave WAVE [--revision REVISION]",
  description: [
    "Waits until every VM of the wave has answered its approval, a line for each as it does. Ends with 0 when they have,",
    "with 1 as soon as more VMs failed than may. Stopped and held VMs are deferred: they do not count as failed.",
    "Pulumi runs it between waves and gives everything by environment.",
  ],
  examples: ["await --wave canary", "await --wave rest --max-failures 10% --timeout 30m --output result.json"],
  options: {
    wave: { value: "WAVE", description: "the wave", env: "NIXOS_FLEET_WAVE" },
    revision: {
      value: "REVISION",
      description: "what to wait for; the wave's approval by default",
      env: "NIXOS_FLEET_REVISION",
    },
    "max-failures": {
      value: "N|N%",
      description: "how many VMs of the wave may fail; 0 by default",
      env: "NIXOS_FLEET_MAX_FAILURES",
    },
    timeout: { value: "TIME", description: "for a VM's answer; 20m by default", env: "NIXOS_FLEET_TIMEOUT" },
    "boot-timeout": {
      value: "TIME",
      description: "for a VM's first report ever; 15m by default",
      env: "NIXOS_FLEET_BOOT_TIMEOUT",
    },
    homes: {
      value: "gate|report",
      description: "whether a home's failure counts; report by default",
      choices: ["gate", "report"],
      env: "NIXOS_FLEET_HOMES",
    },
    pause: {
      value: "TIME",
      description: "how long the wave has to stand after that, in which a failure still counts; 0 by default",
      env: "NIXOS_FLEET_PAUSE",
    },
    "on-failure": {
      value: "WHAT",
      description: "what to do about it; none by default: only fail",
      choices: reactions,
      env: "NIXOS_FLEET_ON_FAILURE",
    },
    output: {
      value: "FILE",
      description: "write the results there as JSON; NIXOS_FLEET_RESULTS names a folder for them",
      env: "NIXOS_FLEET_OUTPUT",
      complete: "file",
    },
    json: { description: "print the results as one JSON document; what happens meanwhile goes to standard error" },
    ...fleetOptions,
  },
  async run(call) {
    const given = readOptions(call);
    const context = await openFleet(call, { attempts: 3 });
    const { onFailure, ...waiting } = given;
    const options = { ...waiting, revision: await resolveRevision(context, given) };
    const started = new Date();
    const json = call.options.flag("json");
    const world = { ...call, compute: context.compute, print: json ? call.printError : call.print };
    const end = await withHistory(call, context, options, () => awaitWave(world, context.id, options));
    const failed = end.outcome === "failed" && !end.stopped;
    const reacted = failed ? await react(world, context.id, options, end, onFailure) : undefined;
    if (reacted?.done === "hold" || reacted?.done === "rollback") {
      const said = reacted.undo === undefined ? { why: `by the gate of wave ${options.wave}` } : told(reacted.undo);
      const event = { event: reacted.done, scope: `wave:${reacted.waves.join(", ")}`, revision: options.revision };
      await recordEvent(call, context, { ...event, ...said });
    }
    const results = resultsOf(context.id, options, end, started, reacted);
    if (json) call.print(JSON.stringify(results, null, 2));
    const output = call.options.text("output") ?? resultsFile(call, context.id, options.wave);
    if (output !== undefined) writeResults(output, results);
    return reacted?.done === "continue" ? 0 : exitCodes[end.outcome];
  },
};

/** Where results go that nobody asked for: into the folder that NIXOS_FLEET_RESULTS names, one file a wave. */
function resultsFile(call: Call, { fleet, stack }: FleetId, wave: string): string | undefined {
  const directory = variable(call, "NIXOS_FLEET_RESULTS");
  return directory === undefined ? undefined : join(directory, `${fleet}-${stack}-${wave}.json`);
}

type Given = Omit<GateOptions, "revision"> & { revision: string | undefined; onFailure: Reaction };

function readOptions({ options }: Call): Given {
  const wave = options.text("wave");
  if (wave === undefined) {
    throw new UsageError("await: --wave is missing");
  }
  const maxFailures = options.text("max-failures") ?? "0";
  const budget = parseBudget(maxFailures);
  if (budget === undefined) {
    throw new UsageError(
      `await: --max-failures is ${oneLine(maxFailures, 40)}; it must be a number of VMs or a share such as 10%`,
    );
  }
  const homes = (options.text("homes") ?? "report") as Given["homes"];
  const onFailure = (options.text("on-failure") ?? "none") as Reaction;
  const revision = options.text("revision");
  if (revision !== undefined && !/^[0-9a-f]{7,40}$/.test(revision)) {
    throw new UsageError(
      `await: --revision is ${oneLine(revision, 60)}; it must be a git revision of 7 to 40 hex digits`,
    );
  }
  return {
    wave,
    revision,
    maxFailures: budget,
    homes,
    onFailure,
    timeout: options.duration("timeout", "20m"),
    bootTimeout: options.duration("boot-timeout", "15m"),
    pause: options.duration("pause", "0", 0),
  };
}

/** The full revision: what was given, or what the wave is approved for. */
async function resolveRevision(
  { compute, id }: FleetContext,
  { wave, revision }: { wave: string; revision: string | undefined },
): Promise<string> {
  if (revision?.length === 40) {
    return revision;
  }
  const approved = readDecisions(await compute.projectMetadata(), id).approvals[wave]?.revision;
  if (approved === undefined) {
    throw new FleetError(
      oneLine(`wave ${wave} of fleet ${id.fleet}/${id.stack} has no approval; name the revision in full`),
    );
  }
  if (revision !== undefined && !approved.startsWith(revision)) {
    throw new FleetError(oneLine(`wave ${wave} is approved for ${short(approved)}, not for ${revision}`));
  }
  return approved;
}

/** What `--output` writes and `--json` prints. */
function resultsOf(
  id: FleetId,
  options: GateOptions,
  { outcome, reason, took, state }: GateEnd,
  started: Date,
  reacted: Reacted | undefined,
): object {
  const { done, waves, undo } = reacted ?? {};
  return {
    ...id,
    wave: options.wave,
    revision: options.revision,
    outcome,
    reason,
    startedAt: started.toISOString(),
    endedAt: new Date(started.getTime() + took * 1_000).toISOString(),
    allowedFailures: allowedFailures(options.maxFailures, state.vms.size),
    vms: vmResults(state),
    // What was done because the gate failed, and to which waves.
    ...(done === undefined ? {} : { onFailure: done, waves }),
    ...(undo === undefined
      ? {}
      : { undo: { outcome: undo.outcome, reason: undo.reason, took: undo.took, vms: vmResults(undo.state) } }),
  };
}

/** What came of each VM. */
export function vmResults(state: GateState): object[] {
  return [...state.vms.values()].map((progress) => ({
    name: progress.vm.name,
    zone: progress.vm.zone,
    state: progress.vm.state,
    result: progress.result,
    reason: progress.reason,
    /** Seconds from the gate's start. */
    after: progress.result === "pending" ? null : Math.round(progress.changedAt * 10) / 10,
    system: reportOf(progress.reports?.system),
    homes: Object.fromEntries(
      Object.entries(progress.reports?.homes ?? {}).map(([user, home]) => [user, reportOf(home)]),
    ),
  }));
}

function writeResults(file: string, results: object): void {
  try {
    // Whole or not at all: whoever reads it may do so at any time.
    const fresh = `${file}.${process.pid}`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(fresh, `${JSON.stringify(results, null, 2)}\n`);
    renameSync(fresh, file);
  } catch (error) {
    throw new FleetError(oneLine(`the results cannot be written: ${messageOf(error)}`));
  }
}
