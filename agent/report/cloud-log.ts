/**
 * Writes to Cloud Logging how updates end, and now and then a sign of life of this VM, as its own service account. A fleet that has alerts
 * uses the entries (`monitoring` in the instance's metadata). NixOS has no agent of Google's that would send the journal there.
 */
import type { AgentState } from "../../rules/agent-state";
import { contract, isCurrent } from "../../rules/contract";
import type { Metadata } from "../../rules/metadata";
import { httpRequest } from "../host/http";
import { log } from "../host/log";
import type { MetadataServer } from "../metadata-server";
import { vmToken } from "../credentials/secrets";
import type { HomeNews } from "./home-news";

const loggingApi = () => process.env["NIXOS_AUTO_UPDATE_LOGGING"] ?? "https://logging.googleapis.com";

export interface Event {
  event: "run" | "alive";
  metadata: Metadata;
  state: AgentState;
  /** Whether only the network was missing. */
  offline: boolean;
  /** The VM's homes; only with a sign of life. */
  homes?: readonly HomeNews[];
}

export async function tellCloud(server: MetadataServer, event: Event): Promise<void> {
  if (event.metadata.kind !== "present" || event.metadata.instance.monitoring !== true) return;
  try {
    const where = {
      id: (await server.get("instance/id")) ?? "",
      zone: (await server.get("instance/zone")) ?? "",
      project: (await server.get("project/project-id")) ?? "",
    };
    const token = await vmToken(server);
    const body = JSON.stringify(entryOf(event, where, Date.now()));
    await httpRequest(`${loggingApi()}/v2/entries:write`, { token, body, timeout: 30_000 });
  } catch {
    log("Cloud Logging refuses the entries of this VM");
  }
}

/** The entries to write: one for the VM and one for each home, with the VM's number, its zone and its project. */
export function entryOf(
  { event, metadata, state, offline, homes = [] }: Event,
  { id, zone, project }: { id: string; zone: string; project: string },
  milliseconds: number,
): object {
  if (metadata.kind !== "present") throw new Error("a VM without metadata has nothing to log");
  const { fleet, stack, wave } = metadata.instance;
  const common = {
    logName: `projects/${project}/logs/${contract.logging.log}`,
    resource: {
      type: "gce_instance",
      labels: { project_id: project, instance_id: id, zone: zone.slice(zone.lastIndexOf("/") + 1) },
    },
  };
  const about = { vm: metadata.vm, fleet, stack, wave: wave ?? null };
  const { revision = "", outcome, stage, error, rolledBack, rebootRequired, toplevel, at } = state;
  const failed = event === "run" && outcome === "failed";
  const age = (time: string | undefined) => {
    const since = Date.parse(time ?? "");
    return Number.isNaN(since) ? 0 : Math.floor((milliseconds - since) / 1000);
  };
  const current = isCurrent(outcome);
  return {
    entries: [
      {
        ...common,
        severity: failed ? (offline ? "WARNING" : "ERROR") : "INFO",
        jsonPayload: {
          message: event === "alive" ? "alive" : `${outcome ?? ""}${stage === undefined ? "" : ` at ${stage}`}`,
          event,
          ...about,
          // 0 if the desired revision runs, otherwise the time since it last did.
          secondsBehind: current ? 0 : age(state.succeeded ?? state.bootedAt),
          report: { revision, outcome, stage, error, rolledBack, rebootRequired, toplevel, at },
        },
      },
      ...homes.map(({ user, report, secondsSilent }) => ({
        ...common,
        severity: report?.outcome === "failed" ? "WARNING" : "INFO",
        jsonPayload: {
          message: `home of ${user}: ${report?.outcome ?? "never ran"}${report?.stage === undefined ? "" : ` at ${report.stage}`}`,
          event: "home",
          ...about,
          user,
          secondsSilent,
          report: report ?? null,
        },
      })),
    ],
  };
}
