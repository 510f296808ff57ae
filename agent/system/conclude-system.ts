/** The end of a run of the system's agent: the report, Cloud Logging, the clone for people, and what homes may run. */
import { ReportsDisabled } from "../metadata-server";
import { join } from "node:path";
import { publishable, type AgentState } from "../../rules/agent-state";
import { contract, isCurrent } from "../../rules/contract";
import type { HomesFile } from "../../rules/decision/decide-home";
import type { SystemDecision } from "../../rules/decision/decide-system";
import type { Conclusion } from "../driver";
import { isOffline } from "../ending";
import { exists, isErrno, isThere, readText, writeFileAtomic } from "../host/files";
import { log } from "../host/log";
import { publish, unpublished } from "../report/publish";
import type { SystemParts, SystemSituation } from "./system-situation";
import { tellCloud } from "../report/cloud-log";
import { dropHomeMetrics } from "../report/metrics";
import { syncCheckout } from "../git/checkout";
import { announceReboot } from "../activation/reboot";
import { readHomes } from "../home/homes";
import { endLingering } from "../home/lingering";
import { keepInputs } from "../nix/inputs";
import { handOverAll } from "../credentials/handover";

export async function concludeSystem(
  driver: SystemParts,
  { situation, decision, request, ending, state }: Conclusion<SystemSituation, SystemDecision>,
): Promise<{ retry?: string }> {
  const published = await publishState(driver, situation, decision, state);
  if (decision.settings["monitoring"] === true) {
    await tellCloud(driver.metadata, { event: "run", metadata: situation.metadata, state, offline: isOffline(ending) });
  }
  const retry = published ? {} : { retry: "the report is not published" };
  const well = isCurrent(ending.outcome);
  if (well && ending.reboot === true) await announceReboot();
  if (well || lacksNews(driver, situation, decision, state)) await tellHomes(driver, decision, state, request.right);
  if (well) await updateCheckout(driver, decision);
  return retry;
}

/**
 * Whether homes do not know something that they may know whatever this run's outcome is: after a boot, what the machine runs, since the
 * file does not survive a boot; and at any time, whether the machine is held.
 */
function lacksNews(
  { place }: SystemParts,
  { metadata, joined }: SystemSituation,
  decision: SystemDecision,
  { revision = "" }: AgentState,
): boolean {
  // The list of homes is not known while the server does not answer, or after the VM has left its fleet.
  const unknown = metadata.kind === "away" || (metadata.kind === "absent" && joined);
  if (unknown || revision === "") return false;
  return !isThere(join(place.runFolder, "homes.json")) || readHomes(place.runFolder).held !== heldText(decision);
}

/** What holds the machine, and so its homes. */
function heldText({ outcome, reason }: SystemDecision): string | undefined {
  return outcome === "held" ? reason : undefined;
}

/** A server that just failed to answer is not asked again for a minute. */
async function publishState(
  driver: SystemParts,
  { metadata }: SystemSituation,
  { settings }: SystemDecision,
  state: AgentState,
): Promise<boolean> {
  if (metadata.kind === "none") return true;
  const key = contract.guestAttributes.system;
  const report = unpublished(driver.place.runFolder, key, settings, publishable(state));
  if (report === undefined) return true;
  try {
    if (metadata.kind === "away") throw new Error("away");
    await publish(driver.metadata, driver.place.runFolder, key, report);
    return true;
  } catch (error) {
    const isOver = error instanceof ReportsDisabled;
    log(isOver ? error.message : "could not publish the report");
    return isOver;
  }
}

/** The clone that people look at. It may take long, so homes do not wait for it. */
async function updateCheckout(driver: SystemParts, decision: SystemDecision): Promise<void> {
  const { directory, branch } = decision.settings;
  const url = driver.repository(decision);
  if (url !== "" && exists(driver.place.mirror.path) && (decision.action === "update" || !isThere(directory))) {
    try {
      await syncCheckout({ folder: directory, mirror: driver.place.mirror, url, branch });
    } catch (error) {
      if (!isErrno(error)) throw error;
      log(`could not update ${directory}: ${error.message}`);
    }
  }
}

/** Every user's path unit watches this file. */
async function tellHomes(
  driver: SystemParts,
  decision: SystemDecision,
  state: AgentState,
  right: HomesFile["right"],
): Promise<void> {
  const { settings, retry } = decision;
  const { runFolder, stateFolder, mirror } = driver.place;
  const users = settings.homes.map(({ user }) => user);
  const held = heldText(decision);
  const homes = {
    revision: state.revision ?? "",
    lock: state.lock ?? "",
    mirror: mirror.path,
    ...(settings.subdirectory === undefined ? {} : { subdirectory: settings.subdirectory }),
    at: state.at,
    retry,
    homes: settings.homes,
    knownHosts: typeof settings["knownHosts"] === "string" ? settings["knownHosts"] : "",
    right,
    ...(held === undefined ? {} : { held }),
  };
  if (
    settings.homes.some(({ deployKeySecret }) => deployKeySecret !== undefined) ||
    exists(contract.paths.homeCredentials)
  ) {
    await handOverAll(driver.metadata, settings.homes);
  }
  const inputs = await inputsBefore(driver, decision, state.revision ?? "");
  await endLingering(users, stateFolder);
  dropHomeMetrics(settings["metricsDirectory"], users);
  const file = join(runFolder, "homes.json");
  writeRunFile(file, JSON.stringify(homes));
  // Homes that could not be evaluated without the inputs start again when they have come.
  if (inputs === "missing" && (await keepInputs(driver, decision, state.revision ?? "", false)) === "fetched")
    writeRunFile(file, JSON.stringify(homes));
}

/** Homes wait once in each boot for a revision's inputs, and for no longer than minutes: not all homes may need them. */
async function inputsBefore(
  driver: SystemParts,
  decision: SystemDecision,
  revision: string,
): Promise<Awaited<ReturnType<typeof keepInputs>>> {
  const waited = join(driver.place.runFolder, "inputs-waited-for");
  if (readText(waited)?.trim() === revision) return "missing";
  const inputs = await keepInputs(driver, decision, revision, true);
  if (inputs === "missing") writeRunFile(waited, `${revision}\n`);
  return inputs;
}

function writeRunFile(file: string, text: string): void {
  try {
    writeFileAtomic(file, text);
  } catch {
    log(`could not write ${file}`);
  }
}
