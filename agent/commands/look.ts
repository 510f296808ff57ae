/** `look`: the watcher starts it when the metadata may have changed. It compares the part that concerns this VM, and requests an update if that differs. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { contract } from "../../rules/contract";
import { readMetadata, type Metadata } from "../../rules/metadata";
import { isThere, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { MetadataAway, ReportsDisabled, type MetadataServer } from "../metadata-server";
import { writeRequest } from "../requests";
import { moveBaseline } from "../watch-baseline";
import { readState } from "../state";
import type { SystemDriver } from "../system/system";
import { accountOf } from "../home/users";
import { armPublisher } from "../home/homes";
import { tellCloud } from "../report/cloud-log";
import { homeNews } from "../report/home-news";
import { publishLost } from "../report/publish";

/** @returns 0 if the server answered, 1 if it must be asked again soon */
export async function look(driver: SystemDriver): Promise<number> {
  driver.prepare();
  const metadata = readMetadata(await driver.metadata.answers(), true);
  if (metadata.kind !== "present" && metadata.kind !== "absent") return 1;
  const { runFolder } = driver.place;
  // After a boot there may be nothing to compare with. The run after the boot handles what changed in the meantime.
  moveBaseline(runFolder, metadata, (change) => {
    log(`changed: ${change}`);
    writeRequest(runFolder, { trigger: "watch", by: `the watcher (${change})` });
  });
  if (metadata.kind === "present") {
    await armPublishers(metadata);
    await tellAlive(driver.metadata, driver.place.stateFolder, runFolder, metadata);
    if (isDue(join(runFolder, "reports-checked"))) await publishLost(driver.metadata, runFolder).catch(away);
  }
  return 0;
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
