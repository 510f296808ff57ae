import { homeApproval, type Approval } from "../rollout/approval";
import { isCurrent, short } from "../contract";
import type { Home } from "../instance-metadata";
import type { Report } from "../report";
import { own } from "../text/json";
import { failureText } from "../text/sentences";
import { reportOf, type Reading } from "../report-reading";
import { type GateOptions, type GateVm, type Result, type VmProgress } from "./state";

/**
 * How a VM's homes affect its result. They are always shown. With `homes: gate`, a home that fails or does not answer counts as a failure
 * of its VM. Otherwise the homes do not affect whether the VM has succeeded.
 * @param since when the VM reported that it runs the revision, by its own clock; undefined if that is not known
 */
export function checkHomes(
  vm: GateVm,
  reports: Readonly<Record<string, Reading>>,
  { approval, since }: { approval: Approval | undefined; since: string | undefined },
  { homes: mode, revision }: Pick<GateOptions, "homes" | "revision">,
): { result: Result; reason: string | null } {
  const checked = vm.homes.map((home) =>
    checkHome(home, own(reports, home.user), {
      wanted: wantedHome(home, approval, revision),
      approved: revision,
      since,
    }),
  );
  const said = (result: Result) => checked.filter((one) => one.result === result).map((one) => one.reason);
  const failed = said("failed");
  const pending = said("pending");
  if (mode === "gate" && failed.length > 0) {
    return { result: "failed", reason: failed.join("; ") };
  }
  if (mode === "gate" && pending.length > 0) {
    return { result: "pending", reason: pending.join("; ") };
  }
  const notes = [...failed, ...said("deferred")];
  return { result: "succeeded", reason: notes.length === 0 ? null : notes.join("; ") };
}

/** The revision that a home should run: the config repository's, or what is approved for a repository of its own. */
function wantedHome(home: Home, approval: Approval | undefined, revision: string): string | undefined {
  const { repository, branch } = home;
  return repository === undefined ? revision : homeApproval(approval, { repository, branch })?.revision;
}

/** Whether the only failures on a VM are homes with their own repository, which are not the fault of the system's revision. */
export function onlyOwnHomesFailed({ vm, reports }: VmProgress, { revision }: Pick<GateOptions, "revision">): boolean {
  const system = reportOf(reports?.system);
  const failed = (vm?.homes ?? []).filter(({ user }) => reportOf(own(reports?.homes, user))?.outcome === "failed");
  const well = system?.revision === revision && system.outcome !== "failed";
  return well && failed.length > 0 && failed.every(({ repository }) => repository !== undefined);
}

function checkHome(
  home: Home,
  reading: Reading | undefined,
  { wanted, approved, since }: { wanted: string | undefined; approved: string; since: string | undefined },
): { result: Result; reason: string } {
  const report = reportOf(reading);
  const who = `home ${home.user}`;
  // A home names the approval that it last applied; a failure under another approval is past.
  if (report?.outcome === "failed" && [undefined, approved, wanted].includes(report.approved)) {
    // The home retries a transient failure by itself.
    return { result: report.transient === true ? "pending" : "failed", reason: `${who}: ${failureText(report)}` };
  }
  // One that is deferred for a moment, such as until its user's manager has started, tries again by itself.
  const stays = report?.outcome === "held" || (report?.outcome === "deferred" && report.transient !== true);
  if (stays && isAnswer(report, wanted, since)) {
    return { result: "deferred", reason: `${who} ${report.outcome}` };
  }
  const well = report !== null && isCurrent(report.outcome) && (wanted === undefined || report.revision === wanted);
  return well
    ? { result: "succeeded", reason: who }
    : { result: "pending", reason: `${who} does not run ${wanted === undefined ? "yet" : short(wanted)} yet` };
}

/** Whether a home that has not moved says so of this update: it names what it should run, or it answered after its VM had updated. */
function isAnswer(report: Report, wanted: string | undefined, since: string | undefined): boolean {
  if (since === undefined || (wanted !== undefined && report.approved === wanted)) return true;
  return Date.parse(report.at) >= Date.parse(since);
}
