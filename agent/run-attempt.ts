/** One attempt of a run that holds the lock, for the system and for a home. */
import type { Requester } from "../rules/decision/run-right";
import type { CommonDecision, Driver, Situation } from "./driver";
import { attempt, type AttemptResult } from "./engine";
import { Exit, log } from "./host/log";
import type { RunOptions } from "./options";
import type { Progress } from "./report/progress";
import { arrangeRetry } from "./retry";

/** What an attempt is for. `patient`: the network may not be up yet. */
export type Purpose = Pick<Requester, "right" | "person"> & { patient?: boolean };

/** An error without a name of its own most likely means a machine without memory or space. */
export async function tryAttempt<S extends Situation, D extends CommonDecision>(
  driver: Driver<S, D>,
  { wanted, force, once }: RunOptions,
  { right, person, patient = false }: Purpose,
  progress: Progress,
): Promise<AttemptResult<S, D>> {
  try {
    const stage = (name: string, revision?: string) => progress.at(name, revision);
    return await attempt(driver, { wanted, force, once, right, person, patient, dry: false, stage });
  } catch (error) {
    const why = "the update ended before it could say how";
    log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await arrangeRetry(driver.place, { right, once }, why);
    throw new Exit(1, why, "NF403");
  }
}
