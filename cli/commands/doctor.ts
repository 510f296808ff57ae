import type { Command } from "../command-line/command";
import { diagnose } from "../doctor/doctor";
import type { Finding, Verdict } from "../doctor/findings";
import { gather } from "../doctor/facts";
import { FleetError } from "../errors";
import { renderTable, type Style } from "../command-line/table";
import { plural } from "../../rules/text/text";

const styles: Record<Verdict, Style> = { ok: "green", warn: "yellow", fail: "red" };

export const command: Command = {
  name: "doctor",
  usage: "[--stack NAME]",
  description: [
    "Prints a line for each check: ok, warn or fail, and what to do about it. Changes nothing. Exits with 1 if a check fails.",
    "Checks the stack that Pulumi has selected. Skips checks that depend on a failed one.",
  ],
  examples: [
    "doctor",
    "doctor --stack dev",
    "doctor --json | jq -r '.findings[] | select(.verdict == \"fail\") | .todo'",
  ],
  options: {
    stack: {
      value: "NAME",
      description: "the stack; by default NIXOS_FLEET_STACK or the one that Pulumi has selected",
    },
    "config-file": {
      value: "FILE",
      description: "the stack's settings file, if it is not beside the program",
    },
    json: { description: "the same as one JSON document" },
  },
  async run(call) {
    if (call.readSettings === undefined) {
      throw new FleetError("NF299", "doctor: cannot read the settings; start the tool as fleet, not by its file");
    }
    const findings = diagnose(await gather(call, call.readSettings), new Date());
    const failed = findings.some(({ verdict }) => verdict === "fail");
    const lines = call.options.flag("json")
      ? [JSON.stringify({ well: !failed, findings }, null, 2)]
      : doctorLines(findings, call.colour);
    lines.forEach(call.print);
    return failed ? 1 : 0;
  },
};

/** The findings as people read them. */
export function doctorLines(findings: readonly Finding[], colour: boolean): string[] {
  const rows = findings.map(({ verdict, check, text, todo }) => [
    { text: verdict, style: styles[verdict] },
    check,
    todo === null ? text : `${text}${text.endsWith("?") ? "" : ";"} ${todo}`,
  ]);
  const counts = (["fail", "warn"] as const).flatMap((verdict) => {
    const count = findings.filter((one) => one.verdict === verdict).length;
    return count === 0 ? [] : [plural(count, verdict === "fail" ? "failure" : "warning")];
  });
  return [
    ...renderTable(["STATUS", "CHECK", "DETAIL"], rows, colour),
    "",
    counts.length === 0 ? "all is well" : counts.join(", "),
  ];
}
