/** What VMs say of themselves. A VM may write anything, so everything is checked and made printable here, once. */
import { contract } from "../rules/contract";
import type { Reading, VmReports } from "../rules/report-reading";
import { parseReport, type Report } from "../rules/report";
import type { Home } from "../rules/instance-metadata";
import { oneLine, printable, truncate } from "../rules/text/text";

const { system, homePrefix } = contract.guestAttributes;

/** Reads the reports out of a VM's guest attributes; of homes those that the VM is known to keep. */
export function readReports(attributes: Readonly<Record<string, string>>, homes: readonly Home[]): VmReports {
  return {
    system: readReport(attributes[system]),
    homes: Object.fromEntries(homes.map(({ user }) => [user, readReport(attributes[homePrefix + user])])),
  };
}

/** The reports of a VM that could not be asked. */
export function unreadable(problem: string, homes: readonly Home[]): VmReports {
  const reading: Reading = { kind: "invalid", problem: oneLine(problem, 200) };
  return { system: reading, homes: Object.fromEntries(homes.map(({ user }) => [user, reading])) };
}

/** Reads one report. */
export function readReport(value: string | undefined): Reading {
  if (value === undefined) {
    return { kind: "none" };
  }
  const read = parseReport(value);
  return read.ok
    ? { kind: "report", report: clean(read.value), ...(read.unknown.length === 0 ? {} : { unknown: read.unknown }) }
    : { kind: "invalid", problem: oneLine(`the report is not valid: ${read.problem}`, 200) };
}

/** The same report, safe to print. */
function clean(report: Report): Report {
  return cleanFields({ ...report }) as unknown as Report;
}

function cleanFields(fields: object): object {
  const entries = Object.entries(fields).map(([key, value]: [string, unknown]) => {
    const name = oneLine(key, 100);
    if (typeof value === "object" && value !== null) return [name, cleanFields(value)];
    if (typeof value !== "string") return [name, value];
    // Only an error has lines of its own: the builder's last ones.
    return [
      name,
      key === "error" ? truncate(printable(value).trim(), contract.report.errorBytes) : oneLine(value, 300),
    ];
  });
  return Object.fromEntries(entries) as object;
}
