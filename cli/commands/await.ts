import { join } from "node:path";
import { short } from "../../rules/contract";
import { own } from "../../rules/text/json";
import type { GateOptions } from "../../rules/gate/state";
import { undone } from "../../rules/gate/verdict";
import { fleetOptions, type Call, type Command } from "../command-line/command";
import { openFleet, type FleetContext } from "../context";
import { variable } from "../command-line/variable";
import { FleetError } from "../errors";
import { readDecisions, type FleetId } from "../fleet";
import { awaitWave, exitCodes } from "../gate/await";
import { eventOf, withHistory, type GateStart } from "../gate/history";
import { followUndo, react } from "../gate/on-failure";
import { forgetWave } from "../gate/forget";
import { forget, gateOptions, readGateOptions, type Given } from "../gate/options";
import { bounded } from "../gate/output";
import { orphanSignal } from "../gate/parent";
import { resultsOf, saysPassed, summaryOf, writeResults } from "../gate/results";
import { recordEvent } from "../history";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "await",
  usage: "--wave WAVE [--revision REVISION]",
  description: [
    "Waits until every VM of the wave has answered its approval, and prints a line for each answer. Exits with 0 when all have",
    "answered, and with 1 as soon as more VMs failed than allowed, or if too few proved the revision for later waves to get it.",
    "Stopped, held, pinned and waiting VMs are deferred: they count neither as failed nor as proof.",
    "Pulumi runs it between waves and sets everything by environment variables.",
  ],
  examples: ["await --wave canary", "await --wave rest --max-failures 10% --timeout 30m --output result.json"],
  options: {
    ...gateOptions,
    output: {
      value: "FILE",
      description: "write the results there as JSON; NIXOS_FLEET_RESULTS names a folder for them",
      env: "NIXOS_FLEET_OUTPUT",
      complete: "file",
    },
    forget,
    json: { description: "print the results as one JSON document; progress goes to standard error" },
    ...fleetOptions,
  },
  verbatim: true,
  async run(written) {
    const given = readGateOptions(written);
    // The program names the wave's VMs, and no one else does it by environment.
    const underPulumi = variable(written, "NIXOS_FLEET_MEMBERS") !== undefined;
    const call = underPulumi ? { ...written, signal: AbortSignal.any([written.signal, orphanSignal()]) } : written;
    const context = await openFleet(call, { attempts: 3 });
    if (call.options.flag("forget")) {
      await forgetWave(context, given.wave);
      return 0;
    }
    const { options, begins } = await completeOptions(call, context, given);
    const started = new Date();
    const json = call.options.flag("json");
    const print = underPulumi ? bounded(call.printError) : json ? call.printError : call.print;
    const world = { ...call, compute: context.compute, print };
    const gate = () => awaitWave(world, context.id, options);
    // A person who waits only watches, so nothing about it goes into the history.
    const end = await (underPulumi ? withHistory(call, context, options, begins, gate) : gate());
    const failed = end.outcome === "failed" && !end.stopped;
    const reacted = failed
      ? await react(world, context.id, options, end, given.onFailure)
      : underPulumi && end.stopped
        ? await followUndo(world, context.id, options, end)
        : undefined;
    if (reacted?.done === "hold" || reacted?.done === "rollback") {
      const said = reacted.undo === undefined ? { why: `by the gate of wave ${options.wave}` } : eventOf(reacted.undo);
      const event = { event: reacted.done, scope: `wave:${reacted.waves.join(", ")}`, revision: options.revision };
      await recordEvent(call, context, { ...event, ...said });
    }
    const results = resultsOf(context.id, options, end, started, reacted);
    if (json) call.print(JSON.stringify(results, null, 2));
    else if (underPulumi) call.print(JSON.stringify(summaryOf(options, end)));
    const output = call.options.text("output") ?? resultsFile(call, context.id, options.wave);
    if (output !== undefined) writeResults(output, results);
    return reacted?.done === "continue" ? 0 : exitCodes[end.outcome];
  },
};

/** The default file for results: one for each wave, in the folder that NIXOS_FLEET_RESULTS names. */
function resultsFile(call: Call, { fleet, stack }: FleetId, wave: string): string | undefined {
  const directory = variable(call, "NIXOS_FLEET_RESULTS");
  return directory === undefined ? undefined : join(directory, `${fleet}-${stack}-${wave}.json`);
}

/**
 * Adds the full revision (of what was given, or what the wave is approved for), and whether the wave has passed it before. `begins` is
 * for the history's entry about the gate's start.
 */
async function completeOptions(
  call: Call,
  { compute, id }: FleetContext,
  given: Given,
): Promise<{ options: GateOptions; begins: GateStart }> {
  const { onFailure: _, ...options } = given;
  const { approvals, control } = readDecisions(await compute.projectMetadata(), id);
  const revision = fullRevision(given, own(approvals, given.wave)?.revision, id);
  // Later waves are approved only for what this one has passed.
  const passedBefore =
    saysPassed(variable(call, "PULUMI_COMMAND_STDOUT"), { wave: given.wave, revision }) ||
    given.laterWaves.some((wave) => own(approvals, wave)?.revision === revision);
  const first = !Object.entries(approvals).some(
    ([wave, approval]) => wave !== given.wave && approval.revision === revision,
  );
  const repeats = undone({ control }, { ...given, revision }) !== undefined;
  return { options: { ...options, revision, passedBefore }, begins: { first, repeats } };
}

function fullRevision(
  { wave, revision }: Pick<Given, "wave" | "revision">,
  approved: string | undefined,
  { fleet, stack }: FleetId,
): string {
  if (revision?.length === 40) {
    return revision;
  }
  if (approved === undefined) {
    throw new FleetError(
      "NF209",
      oneLine(`wave ${wave} of fleet ${fleet}/${stack} has no approval; name the revision in full`),
    );
  }
  if (revision !== undefined && !approved.startsWith(revision)) {
    throw new FleetError("NF209", oneLine(`wave ${wave} is approved for ${short(approved)}, not for ${revision}`));
  }
  return approved;
}
