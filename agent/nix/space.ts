/** Room on the disk: checked before a fetch and a build, made by collecting garbage, and kept by dropping old generations. */
import { statfsSync } from "node:fs";
import { collectGarbage } from "./nix";
import { log } from "../host/log";
import { pruneProfile } from "./profile";
import type { Place } from "../driver";

const MEBIBYTE = 1024 * 1024;

/** Settings of the modules' that are about space. */
interface SpaceSettings {
  /** MiB; 0 tries in any case. */
  minimumFree: number;
  /** Of the profile. */
  keepGenerations: number;
}

export function spaceSettings(settings: Record<string, unknown>): SpaceSettings {
  const number = (value: unknown, fallback: number) => (typeof value === "number" && value >= 0 ? value : fallback);
  return {
    minimumFree: number(settings["minimumFree"], 1024),
    keepGenerations: number(settings["keepGenerations"], 10),
  };
}

const STORE = "/nix/store";
/** MiB that a fetch takes at most, as a rule: git says the rest. */
const FETCH = 64;

/** MiB that are free in a folder, for who is not root; none where no file can be made there any more. */
export function freeMebibytes(folder: string): number {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  return files > 0 && ffree === 0 ? 0 : Math.floor((bavail * bsize) / MEBIBYTE);
}

/** Makes room before a fetch, where the store or the agent's own folder has little: both are often on one disk. */
export async function makeRoomToFetch(place: Place, settings: SpaceSettings, store = STORE): Promise<void> {
  if (settings.minimumFree === 0) return;
  const free = freeMebibytes(place.stateFolder);
  if (free < FETCH) {
    log(`${free} MiB free in ${place.stateFolder}: collecting garbage`);
    await freeSpace(place, settings);
  }
  await makeRoom(place, settings, store);
}

/** Makes room for a build; why there is none, where there is none. */
export async function makeRoom(
  place: Place,
  { minimumFree, keepGenerations }: SpaceSettings,
  store = STORE,
): Promise<string | undefined> {
  if (minimumFree === 0) return undefined;
  let free = freeMebibytes(store);
  if (free >= minimumFree) return undefined;
  log(`${free} MiB free, ${minimumFree} wanted: collecting garbage`);
  await pruneGenerations(place, keepGenerations);
  await collectGarbage((minimumFree - free) * MEBIBYTE * 2);
  free = freeMebibytes(store);
  if (free >= minimumFree) return undefined;
  return `not enough room to build: ${free} MiB free in ${store}, minimumFree is ${minimumFree} MiB`;
}

export async function pruneGenerations({ profile }: Place, keep: number): Promise<void> {
  if (keep > 0 && !(await pruneProfile(profile, keep))) log("could not drop old generations");
}

/** Frees what it can of the store, at least as much as a build needs. */
export async function freeSpace(place: Place, { minimumFree, keepGenerations }: SpaceSettings): Promise<void> {
  await pruneGenerations(place, keepGenerations);
  await collectGarbage(Math.max(minimumFree, 1024) * MEBIBYTE);
}
