/**
 * Whom the service's run serves, in a file until that run has ended. If it is killed, systemd starts the service again, and that run has to
 * serve the same, with their rights and no others.
 */
import { join } from "node:path";
import type { Requester, Trigger } from "../rules/decision/run-right";
import { isObject, parseJson } from "../rules/text/json";
import { log } from "./host/log";
import { readText, remove, writeFileAtomic } from "./host/files";
import { showUnits } from "./host/systemd";
import type { RetryPlace } from "./retry";

const known: readonly Trigger[] = ["boot", "schedule", "manual", "watch", "ssh", "retry"];
const fileIn = (runFolder: string) => join(runFolder, "serving.json");

export function writeServing(runFolder: string, served: readonly Requester[]): void {
  try {
    writeFileAtomic(fileIn(runFolder), JSON.stringify(served));
  } catch {
    log(`could not write ${fileIn(runFolder)}`);
  }
}

export function endServing(runFolder: string): void {
  remove(fileIn(runFolder));
}

/** Whom the run before served, if it was killed and systemd started this one in its place. */
export async function interruptedRun(place: RetryPlace): Promise<Requester[]> {
  const list = parseJson(readText(fileIn(place.runFolder)) ?? "");
  const left = Array.isArray(list) ? list.flatMap(parseRequester) : [];
  if (left.length === 0) return [];
  // A run that a person stopped has ended, too.
  return (await isRestarted(place)) ? left : [];
}

/** Whether systemd started this run in the place of one that was killed: it counts automatic starts alone. */
export async function isRestarted({ manager, service }: Omit<RetryPlace, "runFolder">): Promise<boolean> {
  const [shown] = await showUnits(manager, [`${service}.service`], ["NRestarts"]);
  return Number(shown?.["NRestarts"]) > 0;
}

function parseRequester(item: unknown): Requester[] {
  if (!isObject(item)) return [];
  const { by, right, person } = item;
  const trigger = known.find((one) => one === item["trigger"]);
  if (trigger === undefined || typeof by !== "string" || typeof person !== "boolean") return [];
  return right === "head" || right === "approved" ? [{ trigger, by, right, person }] : [];
}
