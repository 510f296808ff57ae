/** Revisions as people write them: a few digits, a branch or a tag. */
import type { Call } from "./command-line/command";
import type { FleetContext } from "./context";
import { FleetError, UsageError } from "./errors";
import { messageOf } from "../rules/text/system-error";
import { readAllReports, readVms, type FleetVm, type Source } from "./fleet";
import { reportOf } from "../rules/report-reading";
import { findRevision, type FoundRevision } from "./repository/branches";
import { oneLine } from "../rules/text/text";

/** @throws UsageError if the text can be neither a revision nor the name of a branch or tag; `command` is who says so */
export function checkRevision(command: string, written: string): void {
  if (!/^[\w][\w./+-]{0,199}$/.test(written) || written.includes("..")) {
    throw new UsageError(`${command}: ${oneLine(written, 60)} is not a revision, a branch or a tag`);
  }
}

/**
 * The full revision that these first digits mean, or this branch or tag. What the fleet is approved for is known, and so is what a VM runs if
 * all digits are given, or if the repository cannot be read; anything else has to be on a branch of the config repository.
 * @param known full revisions that are looked at first
 * @throws FleetError if it is nowhere, or means several
 */
export async function resolveRevision(
  command: string,
  written: string,
  known: readonly string[],
  context: FleetContext,
  call: Pick<Call, "signal" | "env" | "options">,
): Promise<string> {
  return (await locateRevision(command, written, known, context, call)).revision;
}

/** The same, with the branch of the repository that contains it; without one if the fleet knows the revision already. */
export async function locateRevision(
  command: string,
  written: string,
  known: readonly string[],
  { compute, id }: FleetContext,
  call: Pick<Call, "signal" | "env" | "options">,
): Promise<Pick<FoundRevision, "revision"> & { branch?: string }> {
  const isDigits = /^[0-9a-f]{4,40}$/.test(written);
  const only = (revisions: readonly string[]): string | undefined => {
    const found = isDigits ? [...new Set(revisions)].filter((one) => one.startsWith(written)) : [];
    if (found.length > 1) {
      const all = found.map((one) => one.slice(0, 12)).join(", ");
      throw new UsageError(`${command}: ${written} is ambiguous (${all}); give more digits`);
    }
    return found[0];
  };
  const approved = only(known);
  if (approved !== undefined) return { revision: approved };
  const vms = await readVms(compute, id);
  const find = () => inRepository(command, written, vms, call);
  if (!isDigits) return find();
  if (written.length < 40 && sourceOf(call, vms) !== undefined)
    try {
      // A VM may report anything, also a commit that was made to begin with these digits.
      return await find();
    } catch (error) {
      if (error instanceof UsageError || !(error instanceof FleetError)) throw error;
    }
  const reports = [...(await readAllReports(compute, vms)).values()];
  const reported = reports.flatMap((one) => reportOf(one.system) ?? []).map(({ revision }) => revision);
  const running = only(reported.filter((one) => /^[0-9a-f]{40}$/.test(one)));
  return running === undefined ? find() : { revision: running };
}

/** The config repository and branch that the VMs' metadata name, read from --resolve-from if that is given. */
export function configSource({ options }: Pick<Call, "options">, vms: readonly FleetVm[]): Source | undefined {
  const source = vms.find((vm) => vm.source !== undefined)?.source;
  const repository = options.text("resolve-from");
  return source === undefined || repository === undefined ? source : { ...source, repository };
}

/** The same, or --resolve-from alone. */
function sourceOf(call: Pick<Call, "options">, vms: readonly FleetVm[]): Pick<Source, "repository"> | undefined {
  const own = call.options.text("resolve-from");
  return configSource(call, vms) ?? (own === undefined ? undefined : { repository: own });
}

async function inRepository(
  command: string,
  written: string,
  vms: readonly FleetVm[],
  call: Pick<Call, "signal" | "env" | "options">,
): Promise<FoundRevision> {
  const own = call.options.text("resolve-from");
  const source = sourceOf(call, vms);
  if (source === undefined) {
    throw new UsageError(
      `${command}: ${written} is in no approval or report, and no VM's metadata names the config repository to look it up; ` +
        "name it with --resolve-from",
    );
  }
  try {
    return await findRevision(source, written, { signal: call.signal, env: call.env });
  } catch (error) {
    call.signal.throwIfAborted();
    const line = `${command}: ${messageOf(error)}`;
    if (error instanceof UsageError) throw new UsageError(oneLine(line, 500));
    throw new FleetError(
      "NF205",
      oneLine(own === undefined ? `${line}; name another URL with --resolve-from` : line, 500),
    );
  }
}
