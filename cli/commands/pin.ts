import { short } from "../../rules/contract";
import { revisionChangeOptions, type Command } from "../command-line/command";
import { confirmChange } from "../command-line/confirm";
import { openFleet, requireVms } from "../context";
import { changeControl, type ControlEdit } from "../control-item";
import { UsageError } from "../errors";
import { readDecisions } from "../fleet";
import { recordEvent } from "../history";
import { checkRevision, locateRevision } from "../revisions";
import { revisionsOf } from "../status/status";
import { withPin } from "../../rules/rollout/control-item";

export const command: Command = {
  name: "pin",
  usage: "VM REVISION | VM --clear",
  description: [
    "A pinned VM updates to the revision at once, or when it boots, and keeps it through every rollout until --clear.",
    "Gates count it as deferred. Name the revision by its first digits, a branch or a tag. It must be on a branch of the config",
    "repository.",
  ],
  examples: ["pin dev-alice a1b2c3d", "pin dev-alice --clear"],
  options: {
    clear: { description: "follow the approvals again" },
    json: { description: "print the control item" },
    ...revisionChangeOptions,
  },
  positionals: { least: 1, most: 2 },
  async run(call) {
    const { options } = call;
    const clear = options.flag("clear");
    const [vm = "", written] = call.positionals;
    if (clear === (written !== undefined)) {
      throw new UsageError("pin: name the VM and a revision, or give --clear");
    }
    if (written !== undefined) checkRevision("pin", written);
    const context = await openFleet(call);
    const decisions = readDecisions(await context.compute.projectMetadata(), context.id);
    const { approvals, control: before } = decisions;
    // A VM that is gone may have left its pin behind.
    if (!(clear && vm in before.pins)) await requireVms(context, [vm]);
    const known = Object.values(revisionsOf(approvals));
    const found = written === undefined ? undefined : await locateRevision("pin", written, known, context, call);
    const revision = found?.revision;
    const edit: ControlEdit = (current) => withPin(current, vm, revision);
    if (!(await confirmChange(call, context, decisions, edit))) return 0;
    const control = await changeControl(context.compute, context.id, edit);
    const said = revision === undefined ? { why: "cleared" } : { revision };
    await recordEvent(call, context, { event: "pin", scope: `vm:${vm}`, ...said });
    const text =
      revision !== undefined
        ? `${vm} is pinned to ${short(revision)}${found?.branch === undefined ? "" : `, of branch ${found.branch}`}`
        : vm in before.pins
          ? `${vm} follows what is approved again`
          : `${vm} was not pinned`;
    call.print(options.flag("json") ? JSON.stringify(control, null, 2) : text);
    return 0;
  },
};
