import { didYouMean } from "../../rules/text/did-you-mean";
import { byOption, fleetOptions, type Call, type Command } from "../command-line/command";
import { actor, openFleet, requireFleet, requireVms, type FleetContext } from "../context";
import { changeControl } from "../control-item";
import { UsageError } from "../errors";
import { readDecisions, readVms } from "../fleet";
import { recordEvent } from "../history";
import { othersHolds, withHold } from "../../rules/rollout/control-item";
import { holdText, scopeText } from "../../rules/text/sentences";
import { oneLine } from "../../rules/text/text";

export const scopeOptions = {
  wave: { value: "WAVE", description: "only this wave" },
  vm: { value: "VM", description: "only this VM" },
} as const;

export const command: Command = {
  name: "hold",
  usage: "[--wave WAVE | --vm VM] --why TEXT",
  description: [
    "Stops all updates of the held VMs: by rollout, timer and trigger. Without --wave or --vm it holds the whole fleet.",
    "The hold lasts until you resume; several people can hold the same. fleet status shows who holds what, and why.",
  ],
  examples: ["hold --why 'demo on Friday'", "hold --vm dev-alice --why 'long build, resume on Monday'"],
  options: {
    ...scopeOptions,
    why: { value: "TEXT", description: "the reason, which everybody sees" },
    by: { ...byOption, description: "who holds it, for status and the history; USER@MACHINE by default" },
    json: { description: "print the control item" },
    ...fleetOptions,
  },
  async run(call) {
    const why = call.options.text("why");
    if (why === undefined) {
      throw new UsageError("hold: --why is missing; give the reason");
    }
    const scope = scopeOf(call);
    const context = await openFleet(call);
    await requireScope(call, context);
    const entry = { scope, by: actor(call), why: oneLine(why, 500), at: new Date().toISOString() };
    const control = await changeControl(context.compute, context.id, (before) => withHold(before, entry));
    await recordEvent(call, context, { event: "hold", scope, why: entry.why });
    const { fleet, stack } = context.id;
    const held = `${scopeText(scope)}${scope === "fleet" ? "" : " of"} ${fleet}/${stack}`;
    const others = othersHolds(control, scope, entry.by).map((one) => `; also ${holdText(one)}`);
    call.print(
      call.options.flag("json") ? JSON.stringify(control, null, 2) : `${held} is held: ${entry.why}${others.join("")}`,
    );
    return 0;
  },
};

/** The scope that a call names. */
export function scopeOf({ options }: Pick<Call, "options">): string {
  const [wave, vm] = [options.text("wave"), options.text("vm")];
  if (wave !== undefined && vm !== undefined) {
    throw new UsageError("--wave and --vm cannot be combined");
  }
  return wave !== undefined ? `wave:${wave}` : vm !== undefined ? `vm:${vm}` : "fleet";
}

/** Refuses a fleet that is not there, and a wave or VM that the fleet does not have. */
export async function requireScope({ options }: Pick<Call, "options">, context: FleetContext): Promise<void> {
  const vm = options.text("vm");
  if (vm !== undefined) {
    await requireVms(context, [vm]);
    return;
  }
  const { compute, id } = context;
  const [vms, metadata] = await Promise.all([readVms(compute, id), compute.projectMetadata()]);
  const { approvals } = readDecisions(metadata, id);
  requireFleet(context, { vms, approvals });
  const wave = options.text("wave");
  const waves = [...new Set([...Object.keys(approvals), ...vms.flatMap((one) => one.wave ?? [])])];
  if (wave === undefined || waves.includes(wave)) return;
  const names = waves.length === 0 ? "no waves" : waves.join(", ");
  throw new UsageError(
    oneLine(`no wave ${wave} in fleet ${id.fleet}/${id.stack}${didYouMean(wave, waves) || `; it has ${names}`}`, 500),
  );
}
