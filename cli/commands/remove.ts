import { contract, controlKey } from "../../rules/contract";
import { withoutVm } from "../../rules/rollout/control-item";
import { byOption, changeOptions, fleetOptions, type Call, type Command } from "../command-line/command";
import { askToGoAhead } from "../command-line/confirm";
import { openFleet, openProject, requireVms, type FleetContext } from "../context";
import { changeControl, readControl } from "../control-item";
import { FleetError } from "../errors";
import { parseObject } from "../../rules/text/json";
import { messageOf } from "../../rules/text/system-error";
import { readVms, type FleetVm } from "../fleet";
import { recordEvent } from "../history";
import { projectDirectory, readSettingsFile } from "../project-directory";
import { planRemoval, removalLines, type Removal } from "../removal";
import { rawSettings, requireSettingsOf } from "../stack";

export const command: Command = {
  name: "remove",
  usage: "VM [--no-snapshot]",
  description: [
    "Takes a VM out of use: stops it, takes a last snapshot of the disk with its homes, and removes its pin and its holds.",
    "It deletes nothing. It then says which settings name the VM, and what pulumi up deletes once you have removed them.",
    "The home disk and all snapshots stay. You can call it again.",
  ],
  examples: ["remove dev-alice", "remove dev-alice --dry-run", "remove dev-alice --no-snapshot --yes"],
  options: {
    "no-snapshot": { description: "take no snapshot" },
    why: { value: "TEXT", description: "the reason, for the history" },
    by: byOption,
    json: { description: "print the plan as one JSON document; what is done goes to standard error" },
    ...changeOptions,
    ...fleetOptions,
  },
  positionals: { least: 1, most: 1 },
  async run(call) {
    const { options } = call;
    const context = await openFleet(call);
    const [vm] = await requireVms(context, call.positionals);
    if (vm === undefined) return 1;
    const [json, dryRun] = [options.flag("json"), options.flag("dry-run")];
    const facts = await readFacts(call, context, vm);
    const removal = planRemoval(facts, !options.flag("no-snapshot"));
    if (json) call.print(JSON.stringify({ dryRun, vm: vm.name, ...removal }, null, 2));
    else removalLines(facts, removal).forEach(call.print);
    if (dryRun) {
      if (!json) call.print("nothing was changed (--dry-run)");
      return 0;
    }
    await askToGoAhead(call);
    await carryOut(call, context, vm, removal);
    return 0;
  },
};

async function readFacts(call: Call, context: FleetContext, vm: FleetVm) {
  const { compute, id } = context;
  const [{ disks, deletionProtection }, vms, metadata, location] = await Promise.all([
    (await openProject(call)).attached(vm),
    readVms(compute, id),
    compute.projectMetadata(),
    snapshotLocation(call, context),
  ]);
  // What cannot be read cannot be cleaned, and that is said before the VM is stopped.
  const control = readControl(metadata[controlKey(id.fleet, id.stack)]);
  const waveMates = vms.flatMap(({ name, wave }) => (wave === vm.wave && name !== vm.name ? [name] : []));
  const settings = readSettingsFile(projectDirectory(), id.stack);
  return { vm, disks, deletionProtection, control, waveMates, settings, location, now: new Date() };
}

/** Where the stack keeps the snapshots of its home disks; undefined if it does not say so, or its settings are not at hand. */
async function snapshotLocation(call: Call, { compute, id }: FleetContext): Promise<string | undefined> {
  try {
    const raw = await rawSettings(id.stack, undefined, { signal: call.signal, env: call.env });
    requireSettingsOf({ project: compute.project, fleet: id.fleet }, raw);
    const location = parseObject(raw.values["nixos-fleet:snapshots"] ?? "")?.["location"];
    return typeof location === "string" ? location : undefined;
  } catch {
    return undefined;
  }
}

/** Stops first, so that the snapshot has all that was written; the control item last, so that nothing moves the VM before. */
async function carryOut(call: Call, context: FleetContext, vm: FleetVm, removal: Removal): Promise<void> {
  const { compute, id } = context;
  const google = await openProject(call);
  const say = call.options.flag("json") ? call.printError : call.print;
  if (removal.stops) {
    await google.stop(vm);
    say(`${vm.name} is stopped`);
  }
  const { snapshot } = removal;
  if (snapshot !== undefined) {
    const { fleet, stack } = contract.labels;
    const description = `the last one of ${vm.name}, before its removal from ${id.fleet}/${id.stack}`;
    const wanted = {
      ...{ name: snapshot.name, description, labels: { [fleet]: id.fleet, [stack]: id.stack } },
      ...(snapshot.location === undefined ? {} : { storageLocations: [snapshot.location] }),
    };
    const disk = { name: snapshot.disk, zone: vm.zone };
    await google.snapshot(disk, wanted).catch((error: unknown) => {
      throw new FleetError(
        "NF204",
        `${vm.name} is stopped, and the snapshot of ${snapshot.disk} failed: ${messageOf(error)}; call it again, or with --no-snapshot`,
      );
    });
    say(`the snapshot ${snapshot.name} is complete`);
  }
  if (removal.control.length > 0) {
    await changeControl(compute, id, (control) => withoutVm(control, vm.name));
    say("the control item has nothing about it any more");
  }
  await recordEvent(call, context, { event: "remove", scope: `vm:${vm.name}`, why: call.options.text("why") });
}
