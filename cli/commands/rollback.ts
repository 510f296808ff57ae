import { short } from "../../rules/contract";
import { exitCodes, type GateEnd } from "../gate/await";
import { revisionChangeOptions, type Call, type Command } from "../command-line/command";
import { confirmChange } from "../command-line/confirm";
import { openFleet, type FleetContext } from "../context";
import { changeControl, type ControlEdit } from "../control-item";
import { FleetError, UsageError } from "../errors";
import { readDecisions, readVms } from "../fleet";
import { eventOf } from "../gate/history";
import { wavesOf } from "../../rules/rollout/approval";
import { holdText, wavesText } from "../../rules/text/sentences";
import { recordEvent } from "../history";
import { awaitUndo } from "../gate/on-failure";
import { checkRevision, resolveRevision } from "../revisions";
import { revisionsOf } from "../status/status";
import { type Control, type Hold, holdsOn, withUndo } from "../../rules/rollout/control-item";
import { vmResults } from "../gate/results";
import { requireScope } from "./hold";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "rollback",
  usage: "[REVISION] [--to REVISION] [--wave WAVE]",
  description: [
    "Rolls the VMs of all waves that are approved for the revision (or of one wave) back to what each ran before, or to --to,",
    "and waits for them. You need to name the revision only if waves are approved for different ones. Later runs of pulumi up",
    "keep the rollback until a newer revision is approved; retry REVISION reverts the rollback.",
  ],
  examples: ["rollback", "rollback d4e5f6a --to a1b2c3d", "rollback --wave canary"],
  options: {
    to: { value: "REVISION", description: "the revision to go back to; by default what each VM ran before" },
    wave: { value: "WAVE", description: "only this wave" },
    timeout: { value: "TIME", description: "for a VM's answer; 20m by default" },
    "no-wait": { description: "do not wait for the VMs" },
    json: { description: "print the result as one JSON document; progress goes to standard error" },
    ...revisionChangeOptions,
  },
  positionals: { least: 0, most: 1 },
  async run(call) {
    const { options } = call;
    const [written] = call.positionals;
    const to = options.text("to");
    for (const one of [written, to]) if (one !== undefined) checkRevision("rollback", one);
    const timeout = options.duration("timeout", "20m");
    const context = await openFleet(call);
    await requireScope(call, context);
    const decisions = readDecisions(await context.compute.projectMetadata(), context.id);
    const { approvals: items, control } = decisions;
    const approvals = revisionsOf(items);
    const known = Object.values(approvals);
    const named = written === undefined ? undefined : await resolveRevision("rollback", written, known, context, call);
    const bad = named ?? badRevision(approvals, control, options.text("wave"));
    const good = to === undefined ? "previous" : await resolveRevision("rollback", to, known, context, call);
    if (good === bad) {
      throw new UsageError(`rollback: --to is ${short(bad)}, the revision to roll back`);
    }
    let waves: string[] = [];
    const edit: ControlEdit = (before, approved) => {
      waves = wavesOf(approved, bad).filter((wave) => (options.text("wave") ?? wave) === wave);
      if (waves.length === 0)
        throw new FleetError("NF209", oneLine(`no wave is approved for ${short(bad)}: there is nothing to roll back`));
      return withUndo(before, waves, bad, good);
    };
    if (!(await confirmChange(call, context, decisions, edit))) return 0;
    const after = await changeControl(context.compute, context.id, edit);
    const where = good === "previous" ? "what each VM ran before" : short(good);
    const about = { event: "rollback", scope: scopeOfWaves(waves), revision: bad } as const;
    await recordEvent(call, context, { ...about, outcome: "started", why: `to ${good}` });
    const json = options.flag("json");
    const tell = json ? call.printError : call.print;
    tell(oneLine(`${wavesText(waves)}: from ${short(bad)} back to ${where}`));
    for (const line of await heldLines(context, after, waves)) tell(line);
    const end = options.flag("no-wait")
      ? undefined
      : await waited({ ...call, print: tell }, context, bad, waves, timeout);
    if (json)
      call.print(JSON.stringify({ from: bad, to: good, waves, ...(end === undefined ? {} : endOf(end)) }, null, 2));
    return end === undefined ? 0 : exitCodes[end.outcome];
  },
};

/** The holds that keep VMs of these waves from going back. */
async function heldLines({ compute, id }: FleetContext, control: Control, waves: readonly string[]): Promise<string[]> {
  if (control.holds.length === 0) return [];
  const members = (await readVms(compute, id)).filter(({ wave }) => wave !== null && waves.includes(wave));
  const holds = new Set(members.flatMap((vm) => holdsOn(control, vm, undefined)));
  return [...holds].map((hold) =>
    oneLine(`${holdText(hold)}; its VMs go back only after fleet resume${scopeFlag(hold)}`, 500),
  );
}

function scopeFlag({ scope }: Hold): string {
  const [kind, name] = scope.split(":");
  return name === undefined ? "" : ` --${kind ?? ""} ${name}`;
}

function endOf({ outcome, reason, took, state }: GateEnd): object {
  return { outcome, reason, took, vms: vmResults(state) };
}

function scopeOfWaves(waves: readonly string[]): string {
  return `wave:${waves.join(", ")}`;
}

async function waited(
  call: Call,
  context: FleetContext,
  bad: string,
  waves: readonly string[],
  timeout: number,
): Promise<GateEnd> {
  const options = { wave: waves[0] ?? "", revision: bad, timeout, bootTimeout: timeout };
  const end = await awaitUndo({ ...call, compute: context.compute }, context.id, options, waves);
  await recordEvent(call, context, { event: "rollback", scope: scopeOfWaves(waves), revision: bad, ...eventOf(end) });
  return end;
}

/** The revision to undo if the call names none: the wave's approval, the only approval, or the one that a gate failed on. */
export function badRevision(
  approvals: Readonly<Record<string, string>>,
  control: Control,
  wave: string | undefined,
): string {
  const all = [...new Set(Object.values(approvals))];
  const held = [...new Set(control.holds.flatMap(({ revision }) => revision ?? []))].filter((one) => all.includes(one));
  const [only, ...more] = wave !== undefined ? [approvals[wave]] : all.length > 1 ? held : all;
  if (only === undefined || more.length > 0) {
    const names = Object.entries(approvals).map(([name, revision]) => `${name} ${short(revision)}`);
    throw new UsageError(
      names.length === 0 || wave !== undefined
        ? oneLine(`rollback: ${wave === undefined ? "no wave" : `wave ${wave}`} is approved for nothing`)
        : oneLine(`rollback: name the revision; the waves are approved for ${names.join(", ")}`, 500),
    );
  }
  return only;
}
