/**
 * Files by HTTP, many at once in one curl. Each answer is either the file, or that the server does not have it, or unknown; what is unknown
 * is tried again for about a minute, and after that the server counts as away (`rules/decision/download-retry.ts`).
 */
import { mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { answerOf, FAILURES_IN_A_ROW, isAway, PARALLEL, pauseAfter } from "../../rules/decision/download-retry";
import { remove } from "./files";
import { quoted } from "./http";
import { log, oneLine } from "./log";
import { howEnded, lastLines, run } from "./process";
import { secondsFrom, sleep } from "./time";

interface Wanted {
  url: string;
  /** Where the file goes when it is complete. */
  file: string;
}

interface DownloadOptions {
  /** Gets the token to send; each try gets it again, since one can expire. Redirections are followed only without one. */
  token?: () => Promise<string>;
  /** Maximum size of a file in bytes. */
  maxBytes?: number;
}

/** The server gives no answer that says whether it has a file. */
export class ServerAway extends Error {}

/** How a request for one of the files ended. */
interface Outcome {
  index: number;
  answer: ReturnType<typeof answerOf>;
  /** Why the answer is unknown. */
  why: string;
}

/** Seconds for one file. */
const LONGEST = 3600;
const pause = () => secondsFrom("NIXOS_AUTO_UPDATE_PAUSE", 2);

/** @returns the files that the server does not have. @throws ServerAway */
export async function download(wanted: readonly Wanted[], options: DownloadOptions = {}): Promise<Set<string>> {
  const absent = new Set<string>();
  const failures = new Map<Wanted, { tries: number; since: number }>();
  for (let left = [...wanted]; left.length > 0;) {
    const outcomes = await transfer(left, options);
    const settled = new Set(outcomes.flatMap(({ file, answer }) => (answer === "unknown" ? [] : [file])));
    for (const { file, answer } of outcomes) if (answer === "absent") absent.add(file.file);
    let [most, problem] = [0, ""];
    for (const { file, why } of outcomes.filter(({ answer }) => answer === "unknown")) {
      const { tries, since } = failures.get(file) ?? { tries: 0, since: Date.now() };
      const now = { tries: tries + 1, since };
      failures.set(file, now);
      if (now.tries > most) [most, problem] = [now.tries, oneLine(`${file.url}: ${why}`)];
      const milliseconds = Date.now() - since;
      if (isAway({ tries: now.tries, milliseconds, pause: pause() })) throw new ServerAway(problem);
    }
    left = left.filter((file) => !settled.has(file));
    if (most === 0) continue;
    const delay = pauseAfter(most, pause(), Math.random());
    log(`fetching again in about ${Math.round(delay / 1000)} s: ${problem}`);
    await sleep(delay);
  }
  return absent;
}

/** Asks once for each file. Stops early if the server fails again and again; files without an outcome were not asked for to the end. */
async function transfer(wanted: readonly Wanted[], options: DownloadOptions): Promise<(Outcome & { file: Wanted })[]> {
  const ofFiles = (outcomes: Outcome[]) =>
    outcomes.flatMap((outcome) => {
      const file = wanted[outcome.index];
      return file === undefined ? [] : [{ ...outcome, file }];
    });
  let token: string | undefined;
  try {
    token = await options.token?.();
  } catch (error) {
    return ofFiles([{ index: 0, answer: "unknown", why: error instanceof Error ? error.message : String(error) }]);
  }
  for (const folder of new Set(wanted.map(({ file }) => dirname(file)))) mkdirSync(folder, { recursive: true });
  const outcomes = await curl(wanted, token, options.maxBytes);
  const whole = new Set(outcomes.flatMap(({ index, answer }) => (answer === "whole" ? [index] : [])));
  for (const [index, { file }] of wanted.entries())
    if (whole.has(index)) renameSync(`${file}.new`, file);
    else remove(`${file}.new`);
  return ofFiles(outcomes);
}

/** Writes each file beside its place. */
async function curl(wanted: readonly Wanted[], token: string | undefined, maxBytes?: number): Promise<Outcome[]> {
  const config = [
    ...(token === undefined ? [] : [`header = ${quoted(`Authorization: Bearer ${token}`)}`]),
    ...wanted.flatMap(({ url, file }) => [`url = ${quoted(url)}`, `output = ${quoted(`${file}.new`)}`]),
  ];
  const stall = Math.max(1, Math.ceil(secondsFrom("NIXOS_AUTO_UPDATE_STALL", 60) / 1000));
  const args = [
    ...["--disable", "--silent", "--no-progress-meter", "--proto", "=http,https", "--connect-timeout", "10"],
    ...["--max-time", String(LONGEST), "--speed-limit", "1", "--speed-time", String(stall)],
    ...["--parallel", "--parallel-max", String(PARALLEL)],
    ...(maxBytes === undefined ? [] : ["--max-filesize", String(maxBytes)]),
    ...(token === undefined ? ["--location"] : []),
    // Standard error is not buffered, so each outcome comes when it is known.
    ...["--write-out", String.raw`%{stderr}%{urlnum} %{exitcode} %{http_code} %{errormsg}\n`],
    ...["--config", "-"],
  ];
  const outcomes = new Outcomes();
  const silence = (LONGEST + 60) * 1000;
  const input = `${config.join("\n")}\n`;
  const finished = await run("curl", args, { input, silence, onOutput: (text) => outcomes.add(text) });
  if (outcomes.list.length > 0) return outcomes.list;
  const why = `curl ${howEnded(finished, silence)} ${lastLines(finished.stderr, 1)}`.trimEnd();
  return [{ index: 0, answer: "unknown", why }];
}

/** What curl writes about each request, a line each. */
export class Outcomes {
  readonly list: Outcome[] = [];
  private rest = "";
  private failures = 0;

  /** @returns whether so many requests in a row have failed that the rest must wait */
  add(text: string): boolean {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, index, exit, status, message = ""] = /^(\d+) (\d+) (\d+) (.*)$/.exec(line) ?? [];
      if (index === undefined) continue;
      const answer = answerOf({ exit: Number(exit), status: Number(status) });
      this.list.push({ index: Number(index), answer, why: message === "" ? `HTTP ${Number(status)}` : message });
      this.failures = answer === "unknown" ? this.failures + 1 : 0;
    }
    return this.failures >= FAILURES_IN_A_ROW;
  }
}
