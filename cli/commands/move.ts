import { byOption, changeOptions, fleetOptions, label, type Call, type Command } from "../command-line/command";
import { askToGoAhead } from "../command-line/confirm";
import { openFleet, requireVms, type FleetContext } from "../context";
import { FleetError, UsageError } from "../errors";
import { readDecisions, readVms, type FleetVm } from "../fleet";
import { recordEvent } from "../history";
import { projectDirectory } from "../project-directory";
import { runProgram } from "../run-program";
import { hasFleetSettings, rawSettings, requireSettingsOf, stateOf } from "../stack";
import { moveObstacles, resourcesOf } from "../stack-move";
import { firstOf, oneLine, plural } from "../../rules/text/text";

export const command: Command = {
  name: "move",
  usage: "[VM…] --to STACK [--stack NAME]",
  description: [
    "Moves VMs from one stack of the fleet to another in Pulumi's state, with their disks and access. Without names it moves",
    "all VMs that nixos-fleet:stacks assigns to the other stack. It changes nothing on Google Cloud; the next pulumi up of the",
    "other stack adopts the VMs in place. Refused while a rollout is open or held in either stack, or a VM is held or pinned.",
  ],
  examples: ["move --to eu-b --dry-run", "move dev-alice --stack eu-a --to eu-b"],
  options: {
    to: { value: "STACK", form: label, description: "the stack that gets the VMs" },
    "config-file": {
      value: "FILE",
      complete: "file",
      description: "that stack's settings file, if it is not beside the program",
    },
    by: byOption,
    json: { description: "print the VMs and their resources as one JSON document" },
    ...changeOptions,
    ...fleetOptions,
  },
  positionals: { least: 0, most: 1_000 },
  async run(call) {
    const { options } = call;
    const to = options.text("to");
    if (to === undefined) throw new UsageError("move: --to is missing: the stack that gets the VMs");
    const context = await openFleet(call);
    const { id } = context;
    if (id.stack === to) throw new UsageError(`move: --stack and --to are both ${to}`);
    const vms = await chosen(call, context, to);
    const json = options.flag("json");
    if (vms.length === 0) {
      call.print(
        json
          ? JSON.stringify({ from: id.stack, to, vms: {} }, null, 2)
          : `no VM of stack ${id.stack} belongs to stack ${to}`,
      );
      return 0;
    }
    const metadata = await context.compute.projectMetadata();
    const stateIn = (stack: string) => ({ stack, decisions: readDecisions(metadata, { ...id, stack }) });
    const obstacles = moveObstacles(vms, stateIn(id.stack), stateIn(to));
    if (obstacles.length > 0) throw new FleetError("NF209", oneLine(`nothing was moved: ${obstacles.join("; ")}`, 900));

    const state = await stateOf(id.stack, call);
    const resources = Object.fromEntries(vms.map(({ name }) => [name, resourcesOf(name, state)]));
    const absent = vms.flatMap(({ name }) => (resources[name]?.length === 0 ? [name] : []));
    if (absent.length === vms.length) {
      throw new FleetError(
        "NF209",
        `stack ${id.stack} has ${firstOf(absent)} no longer in its state; if moved before, run pulumi up --stack ${to}`,
      );
    }
    const moved = vms.filter(({ name }) => !absent.includes(name)).map(({ name }) => name);
    const urns = moved.flatMap((name) => resources[name] ?? []);
    if (json) {
      const listed = Object.fromEntries(moved.map((name) => [name, resources[name]]));
      call.print(JSON.stringify({ from: id.stack, to, dryRun: options.flag("dry-run"), vms: listed }, null, 2));
    } else {
      call.print(
        `from stack ${id.stack} to ${to}: ${firstOf(moved, 20)} (${plural(urns.length, "resource")} and their children)`,
      );
    }
    if (options.flag("dry-run")) {
      if (!json) call.print("nothing was changed (--dry-run)");
      return 0;
    }
    await askToGoAhead(call);
    const args = ["state", "move", "--source", id.stack, "--dest", to, "--yes", "--non-interactive", ...urns];
    await runProgram("pulumi", args, { signal: call.signal, env: call.env, cwd: projectDirectory() });
    await recordEvent(call, context, {
      event: "move",
      scope: moved.map((name) => `vm:${name}`).join(" "),
      why: `to stack ${to}`,
    });
    if (!json) call.print(`moved; now: pulumi up --stack ${to}, then pulumi up --stack ${id.stack}`);
    return 0;
  },
};

/** The VMs that were named, or all that the other stack's settings have; those settings have each of them. */
async function chosen(call: Call, context: FleetContext, to: string): Promise<FleetVm[]> {
  if (call.readSettings === undefined) {
    throw new FleetError("NF299", "move: cannot read the settings; start the tool as fleet, not by its file");
  }
  const raw = await rawSettings(to, call.options.text("config-file"), { signal: call.signal, env: call.env });
  requireSettingsOf({ project: context.compute.project, fleet: context.id.fleet }, raw);
  const { settings, mistakes } = await call.readSettings(raw, to);
  if (settings === undefined && !hasFleetSettings(raw))
    throw new FleetError(
      "NF209",
      `move: stack ${to} has no nixos-fleet: key, and only its program knows which VMs its arguments give it; use pulumi state move (docs/scale.md)`,
    );
  if (settings === undefined)
    throw new FleetError("NF101", oneLine(`move: the settings of stack ${to}: ${mistakes.join("; ")}`, 900));
  const theirs = settings.vms.map(({ name }) => name);
  if (call.positionals.length === 0) {
    return (await readVms(context.compute, context.id)).filter(({ name }) => theirs.includes(name));
  }
  const vms = await requireVms(context, call.positionals);
  const strays = vms.flatMap(({ name }) => (theirs.includes(name) ? [] : [name]));
  if (strays.length > 0) {
    throw new UsageError(
      oneLine(
        `move: the settings of stack ${to} do not have ${firstOf(strays)}; give the VMs to it in nixos-fleet:stacks first`,
        500,
      ),
    );
  }
  return vms;
}
