/**
 * Keeps the inputs of the deployed revision in the store, whether the system was built here or elsewhere: the homes of the config
 * repository are evaluated without the machine's keys.
 */
import { join } from "node:path";
import { archivedPaths, needsInputs } from "../../rules/decision/flake-inputs";
import type { CommonDecision, Driver, Situation } from "../driver";
import { entries, exists, makeFolder, remove, writeFileAtomic } from "../host/files";
import { lastLine, log } from "../host/log";
import { run, succeeded } from "../host/process";
import { FEATURES } from "./nix";
import { withNixAccess } from "./nix-access";
import { runNix } from "./nix-cache";
import type { NixAccess } from "../credentials/repository-keys";

/** For each step. Homes wait for the first. */
const LIMITS = { waited: { timeout: 120_000, grace: 10_000 }, unwaited: { timeout: 600_000, grace: 30_000 } };

/**
 * Fetches the inputs once for each revision. A failure is logged, and the machine's next good run tries again.
 * @param awaited whether homes wait for it
 * @returns whether homes lack them now, have them newly, or need nothing new
 */
export async function keepInputs<S extends Situation, D extends CommonDecision>(
  driver: Pick<Driver<S, D>, "place" | "origin" | "repositoryKeys">,
  decision: D,
  revision: string,
  awaited: boolean,
): Promise<"missing" | "fetched" | "kept"> {
  const { stateFolder, mirror } = driver.place;
  const all = join(stateFolder, "inputs");
  if (!needsInputs(decision.settings)) {
    remove(all);
    return "kept";
  }
  const folder = join(all, revision);
  if (revision === "" || exists(join(folder, "complete"))) return "kept";
  const flake = mirror.flake(revision, decision.settings.subdirectory);
  const limits = awaited ? LIMITS.waited : LIMITS.unwaited;
  try {
    await withNixAccess(driver, decision, (access) => archive(flake, folder, access, limits));
    for (const old of entries(all) ?? []) if (old !== revision) remove(join(all, old));
    return "fetched";
  } catch (error) {
    log(`could not fetch the inputs of the flake for homes: ${error instanceof Error ? error.message : String(error)}`);
    return "missing";
  }
}

/** Fetches all inputs of a flake, and protects them by links in a folder. @throws with the reason if it could not */
export async function archive(
  flake: string,
  folder: string,
  access: NixAccess,
  limits: { timeout: number; grace: number } = LIMITS.unwaited,
): Promise<void> {
  // The lock alone says what the inputs are, as at an evaluation.
  const args = [...FEATURES, "flake", "archive", "--json", "--no-update-lock-file", "--", flake];
  const archived = await runNix(args, access, limits);
  const paths = archivedPaths(archived.stdout);
  if (!succeeded(archived) || paths.length === 0) throw new Error(lastLine(archived.stderr));
  // nix replaces only its own links.
  remove(folder);
  makeFolder(folder);
  const linked = await run("nix-store", ["--realise", ...paths, "--add-root", join(folder, "input")], limits);
  if (!succeeded(linked)) throw new Error(lastLine(linked.stderr));
  writeFileAtomic(join(folder, "complete"), "");
}
