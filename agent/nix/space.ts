/** Space on the disk: checked before a fetch and a build, freed by garbage collection, and kept free by deleting old generations. */
import { statfsSync } from "node:fs";
import { collectGarbage } from "./nix";
import { log } from "../host/log";
import { pruneProfile } from "./profile";
import type { Place } from "../driver";
import { readTrial } from "../state";

const MEBIBYTE = 1024 * 1024;

/** The modules' settings for disk space. */
interface SpaceSettings {
  /** MiB; with 0 the update always proceeds. */
  minimumFree: number;
  /** Number of generations of the profile. */
  keepGenerations: number;
}

export function spaceSettings(settings: Record<string, unknown>): SpaceSettings {
  const number = (value: unknown, fallback: number) => (typeof value === "number" && value >= 0 ? value : fallback);
  return {
    minimumFree: number(settings["minimumFree"], 1024),
    keepGenerations: number(settings["keepGenerations"], 10),
  };
}

export const STORE = "/nix/store";
/** MiB that a fetch usually needs at most. If it needs more, git's own error says so. */
const FETCH = 64;

/**
 * Who writes: the Nix daemon, which is root and fetches store paths; or anyone else, such as the users that builders run as. File systems
 * keep some space for root (ext4 5 %), which no user can take.
 */
export type Writer = "root" | "others";

/** MiB free in a folder; none if no file can be created there any more. */
export function freeMebibytes(folder: string, writer: Writer = "others"): number {
  const { bavail, bfree, bsize, files, ffree } = statfsSync(folder);
  return files > 0 && ffree === 0 ? 0 : Math.floor(((writer === "root" ? bfree : bavail) * bsize) / MEBIBYTE);
}

/** Frees space before a fetch if the store or the agent's own folder has little: both are often on one disk. */
export async function makeRoomToFetch(place: Place, settings: SpaceSettings, store = STORE): Promise<void> {
  if (settings.minimumFree === 0) return;
  const free = freeMebibytes(place.stateFolder);
  if (free < FETCH) {
    log(`${free} MiB free in ${place.stateFolder}: collecting garbage`);
    await freeSpace(place, settings);
  }
  await makeRoom(place, settings, store);
}

/** Frees space for a build, or for what root fetches. @returns why there is too little, if there is */
export async function makeRoom(
  place: Place,
  settings: SpaceSettings,
  store = STORE,
  writer: Writer = "others",
): Promise<string | undefined> {
  const { minimumFree, keepGenerations } = settings;
  if (minimumFree === 0) return undefined;
  const free = freeMebibytes(store, writer);
  if (free >= minimumFree) return undefined;
  log(`${free} MiB free, ${minimumFree} wanted: collecting garbage`);
  await pruneGenerations(place, keepGenerations);
  await collectGarbage((minimumFree - free) * MEBIBYTE * 2);
  return shortage(settings, store, writer);
}

/** Why there is too little space for a build, if there is. */
export function shortage(
  { minimumFree }: Pick<SpaceSettings, "minimumFree">,
  store = STORE,
  writer: Writer = "others",
): string | undefined {
  if (minimumFree === 0) return undefined;
  const free = freeMebibytes(store, writer);
  if (free >= minimumFree) return undefined;
  return `not enough room to build: ${free} MiB free in ${store}, minimumFree is ${minimumFree} MiB`;
}

/** An activation that waits for its boot may go back to what ran before, however many generations are newer by then. */
export async function pruneGenerations({ profile, stateFolder }: Place, keep: number): Promise<void> {
  const trial = readTrial(stateFolder);
  const needed = [trial?.former, trial?.restores?.deployed].filter((path) => path !== undefined);
  if (keep > 0 && !(await pruneProfile(profile, keep, needed))) log("could not drop old generations");
}

/** Frees space in the store, at least as much as a build needs. */
export async function freeSpace(place: Place, { minimumFree, keepGenerations }: SpaceSettings): Promise<void> {
  await pruneGenerations(place, keepGenerations);
  await collectGarbage(Math.max(minimumFree, 1024) * MEBIBYTE);
}
