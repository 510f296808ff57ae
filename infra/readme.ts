/** The output `readme`, which Pulumi shows as the stack's page. Pure. */
import { loginCommand } from "../rules/login";
import type { FleetConfig } from "./config/fleet-config";
import { oneLine } from "../rules/text/text";

/** The state of a wave after an `up`. */
export interface WaveResult {
  /** The approved revision, 40 hex digits; absent if nothing is approved yet. */
  revision?: string;
  /** How its gate ended, such as `passed: 3 succeeded, 1 deferred`. */
  gate: string;
}

/** How many VMs the page lists, so that it stays short enough to read. */
const MOST = 50;

export function readmeOf(
  { fleet, stack, project, waves, vms }: Pick<FleetConfig, "fleet" | "stack" | "project" | "waves" | "vms">,
  results: Readonly<Record<string, WaveResult>>,
  tool: string,
): string {
  const shown = vms.slice(0, MOST);
  const more = vms.length - shown.length;
  return [
    `# Fleet ${fleet}, stack ${stack}`,
    "",
    `The state after the last completed \`pulumi up\`. \`${tool} status\` shows the current state.`,
    "",
    ...table(
      ["Wave", "VMs", "Approved", "Gate"],
      waves.map(({ name, vms: members }) => {
        const { revision, gate } = results[name] ?? { gate: "" };
        return [name, String(members.length), revision === undefined ? "nothing" : code(revision), gate];
      }),
    ),
    "",
    ...table(
      ["VM", "Wave", "Zone", "Owner"],
      shown.map(({ name, wave, zone, owner }) => [name, wave, zone, owner ?? ""]),
    ),
    ...(more === 0 ? [] : ["", `And ${more} more: the output \`vms\`.`]),
    "",
    ...table(
      ["To", "Run"],
      [
        ["log in", code(loginCommand("VM", { project, zone: "ZONE" }))],
        ["see what each VM runs, and why", code(`${tool} status`)],
        ["roll out the branch's head", code("pulumi up")],
      ],
    ),
    "",
  ].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** The text on one line, without characters that would end the cell. */
function cell(text: string): string {
  return oneLine(text).replaceAll("|", "\\|");
}

function code(text: string): string {
  return `\`${text}\``;
}
