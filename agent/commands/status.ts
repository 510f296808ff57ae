/** `status`: what runs, what an update does now, and how the last one went. */
import { short } from "../../rules/contract";
import type { AgentState } from "../../rules/agent-state";
import { parseObject } from "../../rules/json";
import { isFailing, nextTry, type RepeatedFailure } from "../../rules/repeated-failure";
import { printable } from "../../rules/text";
import type { Driver } from "../driver";
import { readText } from "../files";
import { safe } from "../log";
import { readProgress, type ProgressNow } from "../progress";
import { type LocalHold, readHold, readState } from "../state";
import { showUnits } from "../systemd";
import { timestamp } from "../time";
import { join } from "node:path";

export interface Status {
  hold: LocalHold | null;
  state: AgentState;
  progress?: ProgressNow;
  /** When a timer starts the next run; absent where none will. */
  next?: string;
  branch?: string;
  fleet?: string;
}

export async function showStatus(driver: Pick<Driver, "place">, json: boolean): Promise<number> {
  const status = await statusOf(driver);
  const text = json ? JSON.stringify(status) : statusLines(status).join("\n");
  process.stdout.write(`${text}\n`);
  return 0;
}

async function statusOf({ place }: Pick<Driver, "place">): Promise<Status> {
  const { stateFolder, runFolder, manager, service } = place;
  const progress = readProgress(runFolder);
  const timers = [`${service}.timer`, `${service}-schedule.timer`];
  const shown = await showUnits(manager, timers, ["NextElapseUSecRealtime", "NextElapseUSecMonotonic"]);
  const next = shown
    .map((timer) => timer["NextElapseUSecRealtime"] ?? "")
    .find((time) => time !== "" && time !== "n/a");
  const known = parseObject(readText(join(runFolder, "known.json")) ?? "") ?? {};
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const [branch, fleet] = [text(known["branch"]), text(known["fleet"])];
  return {
    hold: readHold(stateFolder),
    state: readState(stateFolder).state,
    ...(progress === undefined ? {} : { progress }),
    ...(next === undefined ? {} : { next }),
    ...(branch === undefined ? {} : { branch }),
    ...(fleet === undefined ? {} : { fleet }),
  };
}

/** The status for people; what others wrote is made safe to print. */
export function statusLines({ hold, state, progress, next, branch, fleet }: Status): string[] {
  const row = (name: string, value: string | undefined) =>
    value === undefined || value === "" ? [] : [`${name.padEnd(10)} ${safe(value)}`];
  const known = state.outcome !== undefined;
  return [
    ...row("held", hold === null ? undefined : holdText(hold)),
    ...row("running", progress === undefined ? undefined : progressText(progress)),
    ...(known ? stateLines(state, row) : ["no update has run yet"]),
    ...row("branch", branch),
    ...row("fleet", fleet),
    ...row("next", next),
    ...(state.error === undefined || !known ? [] : ["", printable(state.error)]),
  ];
}

function holdText({ by = "somebody", why = "", at }: LocalHold): string {
  return `by ${by}${at === undefined ? "" : `, ${at}`}${why === "" ? "" : `: ${why}`}`;
}

function progressText({ stage, revision, since, by, trigger, started }: ProgressNow): string {
  const what = revision === undefined ? stage : `${stage} ${short(revision)}`;
  return `${what} since ${since}; update asked by ${by} (${trigger}) at ${started}`;
}

/** A VM that is failing tries again at boot, for another revision, where someone asks, and at this time. */
function failingText(failure: RepeatedFailure | undefined): string | undefined {
  if (failure === undefined) return undefined;
  const { tries, since } = failure;
  return `${tries} times since ${since}; tries again after ${timestamp(nextTry(failure).getTime())}, at boot, or with run`;
}

function stateLines(state: AgentState, row: (name: string, value: string | undefined) => string[]): string[] {
  const { revision, outcome, stage, at, succeeded, approved, toplevel, refused = [], waiting, repeated } = state;
  const refusals = refused.map((one) => `${short(one.revision)} (${one.stage ?? "failed"})`).join(", ");
  return [
    ...row("revision", revision ?? "none deployed"),
    ...row(
      "outcome",
      `${outcome ?? ""}${stage === undefined ? "" : ` (${stage})`}${state.transient === true ? ", tries again" : ""}, ${at ?? ""}`,
    ),
    ...row("last good", succeeded === at ? undefined : succeeded),
    ...row("approved", approved),
    ...row(
      "waits for",
      waiting === undefined
        ? undefined
        : `${waiting.for}${waiting.until === undefined ? "" : ` until ${waiting.until}`}`,
    ),
    ...row("failing", isFailing(repeated) ? failingText(repeated) : undefined),
    ...row("runs", toplevel),
    ...(state.rolledBack === true ? ["rolled back"] : []),
    ...(state.rebootRequired === true ? ["a reboot is required"] : []),
    ...row("refused", refusals),
  ];
}
