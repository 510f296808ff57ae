import { contract } from "../../rules/contract";
import { fleetOptions, type Call, type Command } from "../command-line/command";
import { openFleet, openProject, requireVms, type FleetContext } from "../context";
import { UsageError } from "../errors";
import type { FleetVm } from "../fleet";
import { Log } from "../google/log";
import { callerOf } from "../identity";
import { variable } from "../command-line/variable";
import { oneLine } from "../../rules/text/text";
import { runThere } from "./ssh";

const sources = ["logging", "serial", "ssh"] as const;
const usual = 50;

export const command: Command = {
  name: "logs",
  usage: "VM [--source logging|serial|ssh]",
  description: [
    "Shows the last output of a VM's updates: from Cloud Logging if the VM writes there (the setting monitoring), otherwise",
    "from its serial console. --source ssh shows the journal of its updates, through the same connection as fleet ssh.",
  ],
  examples: ["logs dev-alice", "logs dev-alice --source serial --lines 200", "logs dev-alice --source ssh"],
  options: {
    source: { value: "SOURCE", choices: sources, description: "where to read: logging, serial or ssh" },
    lines: {
      value: "N",
      description: `how many lines at most, the newest; ${usual} by default`,
      form: { pattern: /^[1-9]\d{0,4}$/, right: "a number of lines" },
    },
    json: { description: "print the lines as one JSON document; not with ssh" },
    direct: { description: "with ssh: to the VM's internal address" },
    ...fleetOptions,
  },
  positionals: { least: 1, most: 1 },
  verbatim: true,
  async run(call) {
    const source = call.options.text("source");
    if (call.options.flag("direct") && source !== "ssh") throw new UsageError("logs: --direct requires --source ssh");
    const context = await openFleet(call);
    const [vm] = await requireVms(context, call.positionals);
    if (vm === undefined) return 1;
    const most = Number(call.options.text("lines") ?? usual);
    if (source === "ssh") {
      const journal = ["journalctl", "--no-pager", "-u", contract.units.system, "-n", String(most)];
      return runThere(call, context.compute.project, vm, journal);
    }
    const logged = source === "serial" ? [] : await loggedLines(call, context, vm, most);
    const isLogged = logged.length > 0 || source === "logging";
    const lines = isLogged ? logged : serialLines(await (await openProject(call)).serial(vm), most);
    if (call.options.flag("json")) {
      call.print(JSON.stringify({ vm: vm.name, source: isLogged ? "logging" : "serial", lines }, null, 2));
      return 0;
    }
    lines.forEach(call.print);
    if (source === undefined) {
      const from = isLogged ? "Cloud Logging" : "its serial console, since Cloud Logging has nothing of it";
      call.printError(`${vm.name}: from ${from}`);
    }
    return 0;
  },
};

/** What Cloud Logging has of a VM's updates, oldest first. */
async function loggedLines(call: Call, { compute, id }: FleetContext, vm: FleetVm, most: number): Promise<string[]> {
  const log = new Log({
    ...(await callerOf(call, compute.project)),
    log: contract.logging.log,
    endpoint: variable(call, "NIXOS_FLEET_LOGGING_ENDPOINT"),
  });
  const of = [`jsonPayload.vm="${vm.name}"`, `jsonPayload.fleet="${id.fleet}"`, `jsonPayload.stack="${id.stack}"`];
  const entries = await log.read([...of, `jsonPayload.event="run"`], most);
  return entries.reverse().map(({ timestamp, jsonPayload: { message, report } }) => {
    const { revision = "", error } = (report ?? {}) as { revision?: string; error?: string };
    const why = error === undefined ? "" : `: ${error}`;
    return oneLine(`${timestamp} ${revision.slice(0, 7)} ${String(message)}${why}`, 600);
  });
}

/** The last lines that a console showed, without its colours and control characters. */
export function serialLines(text: string, most: number): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .slice(-most)
    .map((line) => oneLine(line, 1_000));
}
