import { short } from "../../rules/contract";
import { revisionChangeOptions, type Command } from "../command-line/command";
import { confirmChange } from "../command-line/confirm";
import { openFleet } from "../context";
import { changeControl, type ControlEdit } from "../control-item";
import { UsageError } from "../errors";
import { readDecisions } from "../fleet";
import { recordEvent } from "../history";
import { checkRevision, resolveRevision } from "../revisions";
import { revisionsOf } from "../status/status";
import { withoutRetry, withRetry } from "../../rules/rollout/control-item";

export const command: Command = {
  name: "retry",
  usage: "REVISION | --clear [REVISION]",
  description: [
    "A VM refuses a revision that failed on it. This command lets all VMs retry the revision, and removes holds and rollbacks",
    "of gates for it. Use it if the revision did not cause the failure.",
  ],
  examples: ["retry d4e5f6a", "retry --clear"],
  options: {
    clear: { description: "end the retry of this revision; without a revision, all retries" },
    json: { description: "print the control item" },
    ...revisionChangeOptions,
  },
  positionals: { least: 0, most: 1 },
  async run(call) {
    const { options } = call;
    const clear = options.flag("clear");
    const [written] = call.positionals;
    if (!clear && written === undefined) {
      throw new UsageError("retry: name the revision, or give --clear");
    }
    if (written !== undefined) checkRevision("retry", written);
    const context = await openFleet(call);
    const decisions = readDecisions(await context.compute.projectMetadata(), context.id);
    const known = [...Object.values(revisionsOf(decisions.approvals)), ...decisions.control.retry];
    const revision = written === undefined ? undefined : await resolveRevision("retry", written, known, context, call);
    const edit: ControlEdit = (current) =>
      clear || revision === undefined ? withoutRetry(current, revision) : withRetry(current, revision);
    const retried = clear ? undefined : revision;
    if (!(await confirmChange(call, context, decisions, edit, { retried }))) return 0;
    const control = await changeControl(context.compute, context.id, edit);
    await recordEvent(call, context, { event: "retry", revision, ...(clear ? { why: "cleared" } : {}) });
    const text =
      revision === undefined
        ? "all retries are cleared: VMs refuse the revisions that failed on them"
        : clear
          ? `VMs on which ${short(revision)} failed refuse it again`
          : `${short(revision)} may be tried again`;
    call.print(options.flag("json") ? JSON.stringify(control, null, 2) : text);
    return 0;
  },
};
