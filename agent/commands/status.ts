/** `status`: what runs, what a running update does now, and how the last one ended. */
import { short } from "../../rules/contract";
import type { AgentState } from "../../rules/agent-state";
import { isFailing, nextTry, type RepeatedFailure } from "../../rules/decision/repeated-failure";
import { printable } from "../../rules/text/text";
import type { Driver } from "../driver";
import { readCachedSettings, type CachedSettings } from "../cached-settings";
import { safe } from "../host/log";
import { Mirror } from "../git/mirror";
import { readProgress, type ProgressNow } from "../report/progress";
import { type LocalHold, readHold, readState } from "../state";
import { nextElapse } from "../host/systemd";
import { timestamp } from "../host/time";

interface Status {
  hold: LocalHold | null;
  state: AgentState;
  progress?: ProgressNow;
  /** When a timer starts the next run, RFC 3339 in UTC; absent if no timer will. */
  next?: string;
  known: CachedSettings;
  /** Commits by which the branch, as last fetched, is ahead of what is deployed; absent if that is unknown. */
  ahead?: number;
}

export async function showStatus(driver: Pick<Driver, "place">, json: boolean): Promise<number> {
  const status = await statusOf(driver);
  const { manager, program } = driver.place;
  // A developer may try it again without a flag: the cause may have been in the home.
  const again = manager === "user" ? `; ${program} run tries it again` : "";
  const text = json ? JSON.stringify(status) : statusLines(status, again).join("\n");
  process.stdout.write(`${text}\n`);
  return 0;
}

async function statusOf({ place }: Pick<Driver, "place">): Promise<Status> {
  const { stateFolder, runFolder, manager, service, mirror } = place;
  const progress = readProgress(runFolder);
  const timers = [`${service}.timer`, `${service}-schedule.timer`, `${service}-retry-*.timer`];
  const next = await nextElapse(manager, timers);
  const known = readCachedSettings(runFolder);
  const { state } = readState(stateFolder);
  const { branch } = known;
  const { revision } = state;
  // The machine's file belongs to root, and everyone may read it.
  const reader = new Mirror(mirror.path, true);
  const ahead = branch === undefined || revision === undefined ? undefined : await reader.ahead(branch, revision);
  return {
    hold: readHold(stateFolder),
    state,
    known,
    ...(progress === undefined ? {} : { progress }),
    ...(next === undefined ? {} : { next: timestamp(next.getTime()) }),
    ...(ahead === undefined ? {} : { ahead }),
  };
}

function branchText({ branch, repository, follow }: CachedSettings, ahead: number | undefined): string | undefined {
  if (branch === undefined) return undefined;
  const where = `${branch}${repository === undefined ? "" : ` of ${repository}`}`;
  if (ahead === undefined || ahead === 0) return where;
  return `${where}, ${ahead} ahead${follow === "approved" ? "" : "; goes there at the next boot"}`;
}

function fleetText({ fleet, stack, wave }: CachedSettings): string | undefined {
  if (fleet === undefined) return undefined;
  return [
    fleet,
    ...(stack === undefined ? [] : [`stack ${stack}`]),
    ...(wave === undefined ? [] : [`wave ${wave}`]),
  ].join(", ");
}

/** The status for people. Text that others wrote is made safe to print. */
function statusLines({ hold, state, progress, next, known: about, ahead }: Status, again: string): string[] {
  const row = (name: string, value: string | undefined) =>
    value === undefined || value === "" ? [] : [`${name.padEnd(10)} ${safe(value)}`];
  const known = state.outcome !== undefined;
  return [
    ...row("held", hold === null ? undefined : holdText(hold)),
    ...row("running", progress === undefined ? undefined : progressText(progress)),
    ...(known ? stateLines(state, row, again) : ["no update has run yet"]),
    ...row("branch", branchText(about, ahead)),
    ...row("fleet", fleetText(about)),
    ...row("next", next),
    ...(state.error === undefined || !known ? [] : ["", printable(state.error)]),
  ];
}

function holdText({ by = "someone", why = "", at }: LocalHold): string {
  return `by ${by}${at === undefined ? "" : `, ${at}`}${why === "" ? "" : `: ${why}`}`;
}

function progressText({ stage, revision, since, by, trigger, started }: ProgressNow): string {
  const what = revision === undefined ? stage : `${stage} ${short(revision)}`;
  return `${what} since ${since}; update requested by ${by} (${trigger}) at ${started}`;
}

/** A failing VM retries at boot, for another revision, on request, and at this time. */
function failingText(failure: RepeatedFailure | undefined): string | undefined {
  if (failure === undefined) return undefined;
  const { tries, since } = failure;
  return `${tries} times since ${since}; tries again after ${timestamp(nextTry(failure).getTime())}, at boot, or with run`;
}

function stateLines(
  state: AgentState,
  row: (name: string, value: string | undefined) => string[],
  again: string,
): string[] {
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
    ...row("refused", refusals === "" ? undefined : `${refusals}${again}`),
  ];
}
