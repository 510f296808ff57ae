/**
 * The fleet's past: who approved, held or undid what and how it went, kept in the project's log where the whole team sees it. Writing
 * it never fails what it tells of.
 */
import * as z from "zod";
import { contract } from "../rules/contract";
import type { Call } from "./command-line/command";
import { actor, machineActor, type FleetContext } from "./context";
import { variable } from "./command-line/variable";
import { accountOf } from "./google/credentials";
import { messageOf } from "../rules/text/system-error";
import { callerOf } from "./identity";
import type { FleetId } from "./fleet";
import { entryText, eventSchema, type FleetEvent, type HistoryEntry } from "./history-entry";
import { Log, type ReadEntry } from "./google/log";
import { notify } from "./notify/send";
import { oneLine } from "../rules/text/text";

const signed = eventSchema.extend({ by: entryText(200).default("?"), from: entryText(200).default("?") });

/** Failures kept in one entry; a wave may have a thousand VMs. */
const failuresKept = 50;
/** Milliseconds for asking whose credentials these are. */
const patience = 5_000;

/** Writes one event to the history, and tells people of it; if that fails, one line says so and all goes on. */
export async function recordEvent(
  call: Call,
  { compute, id }: FleetContext,
  event: z.input<typeof eventSchema>,
): Promise<void> {
  let by = actor(call);
  let known: FleetEvent | undefined;
  try {
    known = eventSchema.parse(event);
    const log = await openLog(call, compute.project);
    const { failed, ...rest } = known;
    const kept = failed && { failed: Object.fromEntries(Object.entries(failed).slice(0, failuresKept)) };
    by = await whoActs(call, log);
    await log.write({
      timestamp: new Date().toISOString(),
      severity: rest.outcome === "failed" ? "ERROR" : "NOTICE",
      labels: { fleet: id.fleet, stack: id.stack, event: rest.event },
      jsonPayload: { ...rest, ...kept, by, from: machineActor(call) },
    });
  } catch (error) {
    call.printError(oneLine(`the history could not be written (${messageOf(error)}); nothing else is affected`, 300));
  }
  if (known !== undefined) await notify(call, id, known, by);
}

/** The newest entries since a moment, newest first. Entries of the log that this tool did not write are left out. */
export async function readHistory(
  call: Call,
  { compute, id }: FleetContext,
  { since, most }: { since: Date; most: number },
): Promise<HistoryEntry[]> {
  const conditions = [...ofFleet(id), `timestamp>="${since.toISOString()}"`];
  const log = await openLog(call, compute.project);
  return (await log.read(conditions, most)).flatMap((entry) => toHistory(entry) ?? []);
}

/** An entry of the log as an entry of the history; undefined if this tool did not write it. */
export function toHistory({ timestamp, jsonPayload }: ReadEntry): HistoryEntry | undefined {
  const parsed = signed.safeParse(jsonPayload);
  return parsed.success ? { at: oneLine(timestamp, 40), ...parsed.data } : undefined;
}

/** Without the starts of rollouts whose end is known. */
export function withoutEnded(entries: readonly HistoryEntry[]): HistoryEntry[] {
  const ended = new Set(entries.flatMap(({ outcome, run }) => (outcome === "started" || !run ? [] : [run])));
  return entries.filter(({ outcome, run }) => outcome !== "started" || !run || !ended.has(run));
}

async function openLog(call: Call, project: string): Promise<Log> {
  return new Log({
    ...(await callerOf(call, project)),
    log: contract.projectMetadata.prefix,
    endpoint: variable(call, "NIXOS_FLEET_LOGGING_ENDPOINT"),
  });
}

function ofFleet({ fleet, stack }: FleetId): string[] {
  return [`labels.fleet="${fleet}"`, `labels.stack="${stack}"`];
}

/** What --by or the environment says, else the owner of the credentials, else the user and machine. */
async function whoActs(call: Call, log: Log): Promise<string> {
  if (call.options.text("by") !== undefined || variable(call, "NIXOS_FLEET_BY") !== undefined) {
    return actor(call);
  }
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), patience).unref());
  return (await Promise.race([accountOf(log.auth).catch(() => undefined), late])) ?? actor(call);
}
