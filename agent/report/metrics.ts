/** A state in the format of node_exporter's textfile collector. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { AgentState } from "../../rules/agent-state";
import { contract } from "../../rules/contract";
import { entries, remove, writeFileAtomic } from "../host/files";
import { log } from "../host/log";

/**
 * @param service the agent's service
 * @param user the user of the home whose state it is, if root writes it
 */
export function metrics(service: string, state: AgentState, user?: string): string {
  const name = service.replaceAll("-", "_");
  const whose = user === undefined ? {} : { user };
  const metric = (what: string, help: string, value: number) => [
    `# HELP ${name}_${what} ${help}`,
    `# TYPE ${name}_${what} gauge`,
    `${name}_${what}${labels(whose)} ${value}`,
  ];
  const seconds = (time: string | undefined) => (time === undefined ? 0 : Date.parse(time) / 1000 || 0);
  const flag = (value: boolean | undefined) => (value === true ? 1 : 0);
  return [
    ...metric("last_attempt_timestamp_seconds", "When an update was last tried.", seconds(state.at)),
    ...metric(
      "last_success_timestamp_seconds",
      "When the agent last saw that what runs is what should run.",
      seconds(state.succeeded),
    ),
    ...metric("reboot_required", "Whether what is deployed waits for a reboot.", flag(state.rebootRequired)),
    ...metric("rolled_back", "Whether the last update was rolled back.", flag(state.rolledBack)),
    ...metric("refused_revisions", "How many revisions are not tried again.", state.refused?.length ?? 0),
    `# HELP ${name}_outcome How the last update ended: 1 at what it was.`,
    `# TYPE ${name}_outcome gauge`,
    ...contract.outcome.map(
      (outcome) => `${name}_outcome${labels({ ...whose, outcome })} ${outcome === state.outcome ? 1 : 0}`,
    ),
    `# HELP ${name}_info What is deployed.`,
    `# TYPE ${name}_info gauge`,
    `${name}_info${labels({ ...whose, revision: state.revision ?? "", agent: state.agent ?? "" })} 1`,
    "",
  ].join("\n");
}

/** A home's state is its user's claim, so characters that would end a label are escaped. */
function labels(all: Record<string, string>): string {
  const escaped = (text: string) =>
    text.slice(0, 100).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const written = Object.entries(all).map(([name, text]) => `${name}="${escaped(text)}"`);
  return written.length === 0 ? "" : `{${written.join(",")}}`;
}

const homePrefix = `${contract.units.home}-`;

/** Writes the metrics of an agent's state, or of a home's, below the settings' folder; writes nothing if the settings name no folder. */
export function writeMetrics(folder: unknown, service: string, state: AgentState, user?: string): void {
  if (typeof folder !== "string") return;
  try {
    mkdirSync(folder, { recursive: true });
    const file = user === undefined ? service : `${homePrefix}${user}`;
    writeFileAtomic(join(folder, `${file}.prom`), metrics(service, state, user));
  } catch {
    log(`could not write the metrics to ${folder}`);
  }
}

/** Removes the metrics of homes that the machine no longer has: no report from them means nothing. */
export function dropHomeMetrics(folder: unknown, users: readonly string[]): void {
  if (typeof folder !== "string") return;
  const kept = users.map((user) => `${homePrefix}${user}.prom`);
  for (const file of entries(folder) ?? [])
    if (file.startsWith(homePrefix) && file.endsWith(".prom") && !kept.includes(file)) remove(join(folder, file));
}
