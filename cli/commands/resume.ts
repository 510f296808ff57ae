import { byOption, changeOptions, fleetOptions, type Command } from "../command-line/command";
import { askToGoAhead, confirmChange } from "../command-line/confirm";
import { controlKey } from "../../rules/contract";
import { actor, openFleet } from "../context";
import { changeControl, type ControlEdit } from "../control-item";
import { FleetError, UsageError } from "../errors";
import { readDecisions } from "../fleet";
import { recordEvent } from "../history";
import { endedBy, noControl, othersHolds, parseControl, type Hold } from "../../rules/rollout/control-item";
import { scopeOf, scopeOptions } from "./hold";
import { holdText, scopeText } from "../../rules/text/sentences";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "resume",
  usage: "[--wave WAVE | --vm VM | --all]",
  description: [
    "Ends a hold. The held VMs then catch up by themselves: running VMs at once, stopped VMs when they boot.",
    "Without --wave or --vm it ends the hold of the whole fleet; holds of waves and VMs stay. Other people's holds of the same",
    "scope stay too; if you have none there, it names theirs and asks before it ends them (without a terminal give --yes).",
    "--all ends every hold, also of other people. It also empties a control item that cannot be read: its holds, pins and overrides are lost.",
  ],
  examples: ["resume", "resume --vm dev-alice", "resume --all"],
  options: {
    ...scopeOptions,
    all: { description: "every hold, also of other people" },
    by: { ...byOption, description: "whose hold to end; yours by default: USER@MACHINE" },
    why: { value: "TEXT", description: "the reason, for the history" },
    json: { description: "print the control item" },
    ...changeOptions,
    ...fleetOptions,
  },
  async run(call) {
    const { options } = call;
    const all = options.flag("all");
    const scope = scopeOf(call);
    if (all && scope !== "fleet") {
      throw new UsageError("resume: --all cannot be combined with --wave or --vm");
    }
    const context = await openFleet(call);
    const { compute, id } = context;
    const metadata = await compute.projectMetadata();
    const decisions = readDecisions(metadata, id);
    const item = parseControl(metadata[controlKey(id.fleet, id.stack)]);
    const discards = all && !item.ok;
    const by = actor(call);
    const before = item.ok ? item.value : noControl;
    const others = all ? [] : othersHolds(before, scope, by);
    const isOwn = before.holds.some((hold) => hold.scope === scope && hold.revision === undefined && hold.by === by);
    // Who has a hold of the scope ends only that one.
    const named = isOwn ? [] : others.map((hold) => hold.by);
    const freed = new Set<string>();
    const edit: ControlEdit = (current) => {
      const ends = all ? current.holds : endedBy(current, scope, by, named);
      const held = [...new Set(current.holds.map((hold) => hold.scope))];
      // An earlier attempt whose answer was lost may have ended them already.
      if (ends.length === 0 && held.length > 0 && freed.size === 0) {
        throw new FleetError(
          "NF209",
          oneLine(`${scopeText(scope)} has no hold of its own; held: ${held.map(scopeText).join(", ")}`, 500),
        );
      }
      for (const one of ends) freed.add(one.scope);
      return { ...current, holds: current.holds.filter((hold) => !ends.includes(hold)) };
    };
    if (named.length > 0) {
      if (call.confirm === undefined && !options.flag("yes") && !options.flag("dry-run"))
        throw new FleetError(
          "NF209",
          oneLine(`${holdTexts(others)}; that is not your hold: --yes ends it, or --by WHO if it is yours`, 500),
        );
      for (const hold of others) call.printError(holdText(hold));
    }
    const asks = { discardUnreadable: discards, alwaysAsk: named.length > 0 };
    if (!(await confirmChange(call, context, decisions, edit, asks))) return 0;
    if (discards) {
      call.printError(oneLine(`the control item is not readable (${item.problem}); its content will be lost`, 300));
      await askToGoAhead(call);
    }
    // What follows counts what it ends itself.
    freed.clear();
    const control = await changeControl(compute, id, edit, discards);
    const remark = options.text("why");
    for (const one of freed) {
      await recordEvent(call, context, { event: "resume", scope: one, why: remark });
    }
    const nothing = discards ? "the control item is empty now" : "nothing was held";
    const left = all ? [] : othersHolds(control, scope, by);
    const ended = left.length === 0 ? "may move again" : `is no longer held by ${by}; still ${holdTexts(left)}`;
    const text = freed.size === 0 ? nothing : `${[...freed].map(scopeText).join(", ")} ${ended}`;
    call.print(
      options.flag("json")
        ? JSON.stringify(control, null, 2)
        : oneLine(remark === undefined ? text : `${text}: ${remark}`),
    );
    return 0;
  },
};

function holdTexts(holds: readonly Hold[]): string {
  return holds.map(holdText).join(", ");
}
