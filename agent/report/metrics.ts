/** A state as node_exporter's textfile collector reads it. */
import type { AgentState } from "../../rules/agent-state";
import { contract } from "../../rules/contract";

/** @param name of the agent, with underscores */
export function metrics(name: string, state: AgentState): string {
  const metric = (what: string, help: string, value: number) => [
    `# HELP ${name}_${what} ${help}`,
    `# TYPE ${name}_${what} gauge`,
    `${name}_${what} ${value}`,
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
    ...contract.outcome.map((outcome) => `${name}_outcome{outcome="${outcome}"} ${outcome === state.outcome ? 1 : 0}`),
    `# HELP ${name}_info What is deployed.`,
    `# TYPE ${name}_info gauge`,
    `${name}_info{revision="${state.revision ?? ""}",agent="${state.agent ?? ""}"} 1`,
    "",
  ].join("\n");
}
