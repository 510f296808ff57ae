/** `look`: the watcher starts it when the metadata may have changed. It compares the part that concerns this VM, and requests an update if that differs. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { contract } from "../../rules/contract";
import { parseJson } from "../../rules/text/json";
import { readMetadata, type Metadata } from "../../rules/metadata";
import { changeOf, relevantState, type RelevantState } from "../../rules/decision/relevant-state";
import { isThere, readText, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { MetadataAway, ReportsDisabled, type MetadataServer } from "../metadata-server";
import { writeRequest } from "../requests";
import { readState } from "../state";
import type { SystemDriver } from "../system/system";
import { accountOf } from "../home/users";
import { armPublisher } from "../home/homes";
import { tellCloud } from "../report/cloud-log";
import { homeNews } from "../report/home-news";
import { publishLost } from "../report/publish";

type Answered = Extract<Metadata, { kind: "present" | "absent" }>;

/** @returns 0 if the server answered, 1 if it must be asked again soon */
export async function look(driver: SystemDriver): Promise<number> {
  driver.prepare();
  const metadata = readMetadata(await driver.metadata.answers(), true);
  if (metadata.kind !== "present" && metadata.kind !== "absent") return 1;
  const { runFolder } = driver.place;
  askForChange(runFolder, metadata);
  if (metadata.kind === "present") {
    await armPublishers(metadata);
    await tellAlive(driver.metadata, driver.place.stateFolder, runFolder, metadata);
    if (isDue(join(runFolder, "reports-checked"))) await publishLost(driver.metadata, runFolder).catch(away);
  }
  return 0;
}

/** The baseline moves after the request is written. A watcher that dies in between requests twice, which costs nothing. */
function askForChange(runFolder: string, metadata: Answered): void {
  const file = join(runFolder, "watch-baseline");
  const after = relevantState(metadata);
  const text = JSON.stringify(after);
  const before = readText(file);
  // After a boot there is no value to compare with. The run after the boot handles what changed in the meantime.
  const change = before === undefined ? undefined : changeOf(parseJson(before) as RelevantState | null, after);
  if (change !== undefined) {
    log(`changed: ${change}`);
    writeRequest(runFolder, { trigger: "watch", by: `the watcher (${change})` });
  }
  if (before !== text) writeFileAtomic(file, text);
}

/** After a boot, homes may run before root has published anything new. */
async function armPublishers({ instance }: Extract<Metadata, { kind: "present" }>): Promise<void> {
  for (const { user } of instance.homes ?? []) {
    const account = await accountOf(user);
    if (account === undefined) continue;
    await armPublisher(account);
  }
}

/** Once an hour; the file notes the last time. */
function isDue(file: string): boolean {
  const last = isThere(file) ? statSync(file).mtimeMs : 0;
  if (Math.abs(Date.now() - last) < contract.logging.heartbeat * 1000) return false;
  writeFileAtomic(file, "");
  return true;
}

/** The next hour is soon enough. */
function away(error: unknown): void {
  if (!(error instanceof MetadataAway || error instanceof ReportsDisabled)) throw error;
}

/** Once an hour. */
async function tellAlive(
  server: MetadataServer,
  stateFolder: string,
  runFolder: string,
  metadata: Extract<Metadata, { kind: "present" }>,
): Promise<void> {
  if (metadata.instance.monitoring !== true) return;
  if (!isDue(join(runFolder, "alive-signal"))) return;
  const { state } = readState(stateFolder);
  await tellCloud(server, { event: "alive", metadata, state, offline: false, homes: homeNews(runFolder) });
}
