import { short } from "../../contracts";
import { fleetOptions, type Command } from "../command";
import { openFleet, type Context } from "../context";
import { changeControl, pruned, withoutRetry, withRetry } from "../control-item";
import { UsageError } from "../errors";
import { readAllReports, readDecisions, readVms } from "../fleet";
import { reportOf } from "../reports";
import { revisionsOf } from "../status";
import { oneLine } from "../text";

export const retry: Command = {
  name: "retry",
  summary: "let VMs try a revision again that failed on them",
  usage: "REVISION | --clear [REVISION]",
  description: [
    "A VM refuses a revision that failed on it. This lets all VMs try it once more, and takes back what a gate",
    "held or undid because of it. Meant for failures that the revision was not to blame for.",
  ],
  examples: ["retry d4e5f6a", "retry --clear"],
  options: {
    clear: { description: "do not try this one (or any) again" },
    json: { description: "print the control item" },
    ...fleetOptions,
  },
  positionals: { least: 0, most: 1 },
  async run(call) {
    const { options } = call;
    const clear = options.flag("clear");
    const [written] = call.positionals;
    if (!clear && written === undefined) {
      throw new UsageError("retry: name the revision, or give --clear");
    }
    if (written !== undefined && !/^[0-9a-f]{7,40}$/.test(written)) {
      throw new UsageError(`retry: ${oneLine(written, 60)} is no git revision of 7 to 40 hex digits`);
    }
    const context = await openFleet(call);
    const decisions = readDecisions(await context.compute.projectMetadata(), context.id);
    const approvals = revisionsOf(decisions.approvals);
    const known = [...Object.values(approvals), ...decisions.control.retry];
    const revision = written === undefined ? undefined : await resolve(written, known, context);
    const control = await changeControl(context.compute, context.id, (before) => {
      const standing = pruned(before, approvals);
      return clear || revision === undefined ? withoutRetry(standing, revision) : withRetry(standing, revision);
    });
    const what = revision === undefined ? "no revision" : short(revision);
    const text = clear
      ? `${revision === undefined ? what : `${what} no more`} will be tried again`
      : `${what} may be tried again`;
    call.print(options.flag("json") ? JSON.stringify(control, null, 2) : text);
    return 0;
  },
};

/** The full revision that the fleet knows by these first digits: an approval, or what a VM reports. */
async function resolve(written: string, known: readonly string[], { compute, id }: Context): Promise<string> {
  if (written.length === 40) {
    return written;
  }
  const fits = (revisions: readonly string[]) => [...new Set(revisions.filter((one) => one.startsWith(written)))];
  let found = fits(known);
  if (found.length === 0) {
    const reports = await readAllReports(compute, await readVms(compute, id));
    const systems = [...reports.values()].flatMap((one) => reportOf(one.system) ?? []);
    found = fits(systems.flatMap(({ revision, approved }) => [revision, approved ?? ""])).filter((one) =>
      /^[0-9a-f]{40}$/.test(one),
    );
  }
  const [only, ...more] = found;
  if (only === undefined || more.length > 0) {
    const why = only === undefined ? "no approval or report names it" : "several revisions start so";
    throw new UsageError(`retry: ${written} cannot be completed (${why}); give all 40 digits`);
  }
  return only;
}
