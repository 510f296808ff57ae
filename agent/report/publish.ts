/** Reports: the part of a state that others read. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { publishable, type AgentState } from "../../rules/agent-state";
import { isOldNews, parseReport, reportOf, type Report } from "../../rules/report";
import { contract } from "../../rules/contract";
import { speaksSecondContract } from "../../rules/instance-metadata";
import { readText, writeFileAtomic, readObject } from "../host/files";
import { log } from "../host/log";
import { sleep } from "../host/time";
import type { MetadataServer } from "../metadata-server";

/** The key of a home's report. */
export const homeKey = (user: string) => contract.guestAttributes.homePrefix + user;

/** The value last published under a key. */
export const publishedFile = (runFolder: string, key: string) => join(runFolder, `published-${key}`);

/** The report last published under a key; undefined if there is none since the boot. */
export function publishedReport(runFolder: string, key: string): Report | undefined {
  const text = readText(publishedFile(runFolder, key));
  const read = text === undefined ? undefined : parseReport(text);
  return read?.ok === true ? read.value : undefined;
}

/** A state's report; `undefined` if the state has none. */
export function reportFor({ settings }: { settings: Record<string, unknown> }, state: AgentState): Report | undefined {
  return reportOf(publishable(state), { second: speaksSecondContract(settings) });
}

/** The report, unless it adds nothing to the one that was published last. */
export function unpublished(
  runFolder: string,
  key: string,
  settings: Record<string, unknown>,
  state: object,
): Report | undefined {
  const report = reportOf(state, { second: speaksSecondContract(settings) });
  const last = readObject(publishedFile(runFolder, key));
  return report === undefined || isOldNews(report, last) ? undefined : report;
}

/** Milliseconds after which a report counts as lost: a run may be publishing one at this moment. */
const AGAIN = 5_000;

/** Publishes those reports again that the server has lost, or of which it has an older one. */
export async function publishLost(metadata: MetadataServer, runFolder: string): Promise<void> {
  const before = await lostReports(metadata, runFolder);
  if (before.length === 0) return;
  await sleep(AGAIN);
  const after = await lostReports(metadata, runFolder);
  for (const { key, text, seen } of after) {
    if (!before.some((one) => one.key === key && one.text === text && one.seen === seen)) continue;
    log(`published the report ${key} again, which the metadata server had lost`);
    await metadata.publish(key, text);
  }
}

/** The reports that this VM published, and what the server has instead. */
async function lostReports(metadata: MetadataServer, runFolder: string) {
  const keys = readdirSync(runFolder).flatMap((name) => /^published-([\w-]+)$/.exec(name)?.[1] ?? []);
  if (keys.length === 0) return [];
  const there = await metadata.reports();
  const all = keys.map((key) => ({ key, text: readText(publishedFile(runFolder, key)) ?? "", seen: there[key] }));
  return all.filter(({ text, seen }) => text !== "" && seen !== text);
}

/** Publishes a report as a guest attribute. @throws MetadataAway, ReportsDisabled */
export async function publish(metadata: MetadataServer, runFolder: string, key: string, report: Report): Promise<void> {
  await metadata.publish(key, JSON.stringify(report));
  writeFileAtomic(publishedFile(runFolder, key), JSON.stringify(report));
}
