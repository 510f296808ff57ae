import { changeOptions, fleetOptions, type Command } from "../command-line/command";
import { askToGoAhead, confirmChange } from "../command-line/confirm";
import { controlKey } from "../../rules/contract";
import { openFleet } from "../context";
import { changeControl, type ControlEdit } from "../control-item";
import { FleetError, UsageError } from "../errors";
import { readDecisions } from "../fleet";
import { recordEvent } from "../history";
import { parseControl, withoutHolds } from "../../rules/rollout/control-item";
import { scopeOf, scopeOptions } from "./hold";
import { scopeText } from "../../rules/text/sentences";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "resume",
  usage: "[--wave WAVE | --vm VM | --all]",
  description: [
    "Ends a hold. The held VMs then catch up by themselves: running VMs at once, stopped VMs when they boot.",
    "Without --wave or --vm it ends the hold of the whole fleet; holds of waves and VMs stay.",
    "--all also empties a control item that cannot be read: its holds, pins and overrides are lost.",
  ],
  examples: ["resume", "resume --vm dev-alice", "resume --all"],
  options: {
    ...scopeOptions,
    all: { description: "every hold" },
    why: { value: "TEXT", description: "a remark, printed with the result" },
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
    const freed = new Set<string>();
    const edit: ControlEdit = (current) => {
      const held = current.holds.map((hold) => hold.scope);
      const ends = all ? held : held.filter((one) => one === scope);
      // An earlier attempt whose answer was lost may have ended them already.
      if (ends.length === 0 && held.length > 0 && freed.size === 0) {
        throw new FleetError(
          "NF209",
          oneLine(`${scopeText(scope)} has no hold of its own; held: ${held.map(scopeText).join(", ")}`, 500),
        );
      }
      for (const one of ends) freed.add(one);
      return withoutHolds(current, ends);
    };
    if (!(await confirmChange(call, context, decisions, edit, { discardUnreadable: discards }))) return 0;
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
    const text = freed.size === 0 ? nothing : `${[...freed].map(scopeText).join(", ")} may move again`;
    call.print(
      options.flag("json")
        ? JSON.stringify(control, null, 2)
        : oneLine(remark === undefined ? text : `${text}: ${remark}`),
    );
    return 0;
  },
};
