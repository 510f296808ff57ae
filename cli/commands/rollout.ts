import { execa } from "execa";
import { short } from "../../rules/contract";
import { revisionChangeOptions, type Call, type Command } from "../command-line/command";
import { askToGoAhead } from "../command-line/confirm";
import { openFleet, type FleetContext } from "../context";
import { UsageError } from "../errors";
import { readAllReports, readDecisions, readVms, type FleetVm } from "../fleet";
import { recordEvent } from "../history";
import { runProgram } from "../run-program";
import { projectDirectory } from "../project-directory";
import { checkRevision, resolveRevision } from "../revisions";
import { rawSettings, requireSettingsOf } from "../stack";
import { revisionsOf } from "../status/status";
import { pausesOf, urgentLines, urgentPreview } from "../status/urgent";
import { oneLine } from "../../rules/text/text";

export const command: Command = {
  name: "rollout",
  usage: "--urgent --why TEXT [REVISION]",
  description: [
    "Lists the affected VMs, sets nixos-fleet:urgent in the stack's file, and runs pulumi up. The approval of this one revision",
    "(by default the branch's head) then ignores windows and pauses. Canaries and health checks still apply.",
  ],
  examples: [
    "rollout --urgent --why 'CVE-2026-1234 in openssh'",
    "rollout d4e5f6a --urgent --why 'disk fills up' --dry-run",
  ],
  options: {
    urgent: { description: "ignore windows and pauses; an ordinary rollout is pulumi up" },
    why: { value: "TEXT", description: "the reason, which status and the preview show" },
    "no-up": { description: "only set it; you run pulumi up" },
    json: { description: "print who is affected as one JSON document; needs --dry-run or --no-up" },
    ...revisionChangeOptions,
  },
  positionals: { least: 0, most: 1 },
  async run(call) {
    const { options } = call;
    const [written] = call.positionals;
    const why = oneLine(options.text("why") ?? "", 200);
    const [dryRun, json, ups] = [options.flag("dry-run"), options.flag("json"), !options.flag("no-up")];
    if (!options.flag("urgent")) throw new UsageError("rollout: --urgent is missing; an ordinary rollout is pulumi up");
    if (why === "") throw new UsageError("rollout: --why is missing; give the reason to ignore windows");
    if (json && ups && !dryRun) throw new UsageError("rollout: --json requires --dry-run or --no-up");
    if (ups && !dryRun && !confirmable(call))
      throw new UsageError(
        "rollout: without a terminal, pulumi up does not ask: give --yes, or --no-up to run it later",
      );
    if (written !== undefined) checkRevision("rollout", written);
    const context = await openFleet(call);
    const vms = await readVms(context.compute, context.id);
    const decisions = readDecisions(await context.compute.projectMetadata(), context.id);
    const named = written ?? headName(vms);
    const revision = await resolveRevision(
      "rollout",
      named,
      Object.values(revisionsOf(decisions.approvals)),
      context,
      call,
    );
    const reports = await readAllReports(context.compute, vms);
    const settings = await rawSettings(context.id.stack, undefined, call);
    requireSettingsOf({ project: context.compute.project, fleet: context.id.fleet }, settings);
    const pauses = pausesOf(settings.values["nixos-fleet:waves"]);
    const preview = urgentPreview(revision, vms, reports, decisions, pauses);
    if (json) call.print(JSON.stringify({ dryRun, revision, why, ...preview }, null, 2));
    else urgentLines(revision, why, preview).forEach(call.print);
    if (dryRun) {
      if (!json) call.print("nothing was changed (--dry-run)");
      return 0;
    }
    await askToGoAhead(call);
    await setUrgent(call, context, revision, why);
    if (ups) return up(call, context);
    if (!json) call.print(`nixos-fleet:urgent is ${short(revision)}; pulumi up approves it`);
    return 0;
  },
};

/** Whether `pulumi up` does not refuse to start because no one can confirm it. */
function confirmable({ options, terminal, confirm, env }: Call): boolean {
  const skips = /^(1|true)$/i.test(env["PULUMI_SKIP_CONFIRMATIONS"] ?? "");
  return options.flag("yes") || skips || (terminal && confirm !== undefined);
}

/** The branch that VMs follow, whose head the next `pulumi up` approves. */
function headName(vms: readonly FleetVm[]): string {
  const branch = vms.find(({ source }) => source !== undefined)?.source?.branch;
  if (branch === undefined) throw new UsageError("rollout: no VM's metadata names a branch; name the revision");
  return branch;
}

async function setUrgent(call: Call, context: FleetContext, revision: string, why: string): Promise<void> {
  const stack = ["--stack", context.id.stack, "--non-interactive"];
  const settings = { "nixos-fleet:urgent": revision, "nixos-fleet:urgentWhy": why };
  for (const [key, value] of Object.entries(settings))
    await runProgram("pulumi", ["config", "set", ...stack, "--", key, value], {
      signal: call.signal,
      env: call.env,
      cwd: projectDirectory(),
    });
  await recordEvent(call, context, { event: "urgent", revision, why });
}

/** Its exit code is the command's. */
async function up({ env, options }: Call, { id }: FleetContext): Promise<number> {
  const { exitCode } = await execa("pulumi", ["up", "--stack", id.stack, ...(options.flag("yes") ? ["--yes"] : [])], {
    ...{ cwd: projectDirectory(), env, extendEnv: false, stdio: "inherit", reject: false },
  });
  return exitCode ?? 1;
}
