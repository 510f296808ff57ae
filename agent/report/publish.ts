/** Reports: the part of a state that others read. */
import { join } from "node:path";
import { publishable, type AgentState } from "../../rules/agent-state";
import { isOldNews, parseReport, reportOf, type Report } from "../../rules/report";
import { contract } from "../../rules/contract";
import { parseObject } from "../../rules/text/json";
import { speaksSecondContract } from "../../rules/instance-metadata";
import { readText, writeFileAtomic } from "../host/files";
import type { MetadataServer } from "../metadata-server";
import type { CommonDecision } from "../driver";

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

/** Whether the readers of the reports know the contract's second version. */
const second = (settings: Record<string, unknown>) => speaksSecondContract(settings);

/** A state's report; `undefined` if the state has none. */
export function reportFor({ settings }: CommonDecision, state: AgentState): Report | undefined {
  return reportOf(publishable(state), { second: second(settings) });
}

/** The report, unless it adds nothing to the one that was published last. */
export function unpublished(
  runFolder: string,
  key: string,
  settings: Record<string, unknown>,
  state: object,
): Report | undefined {
  const report = reportOf(state, { second: second(settings) });
  const last = parseObject(readText(publishedFile(runFolder, key)) ?? "");
  return report === undefined || isOldNews(report, last) ? undefined : report;
}

/** Publishes a report as a guest attribute. @throws MetadataAway, ReportsDisabled */
export async function publish(metadata: MetadataServer, runFolder: string, key: string, report: Report): Promise<void> {
  await metadata.publish(key, JSON.stringify(report));
  writeFileAtomic(publishedFile(runFolder, key), JSON.stringify(report));
}
