/** Room on the disk: checked before a fetch and a build, made by collecting garbage, and kept by dropping old generations. */
import { statfsSync } from "node:fs";
import { collectGarbage } from "./nix";
import { log } from "./log";
import { pruneProfile } from "./profile";
import type { Place } from "./driver";

const MEBIBYTE = 1024 * 1024;

/** Settings of the modules' that are about space. */
export interface SpaceSettings {
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

/** MiB that are free in the store, for who is not root. */
export function freeMebibytes(folder = "/nix/store"): number {
  const { bavail, bsize } = statfsSync(folder);
  return Math.floor((bavail * bsize) / MEBIBYTE);
}

/** Makes room for a build; why there is none, where there is none. */
export async function makeRoom(
  place: Place,
  { minimumFree, keepGenerations }: SpaceSettings,
): Promise<string | undefined> {
  let free = freeMebibytes();
  if (minimumFree === 0 || free >= minimumFree) return undefined;
  log(`${free} MiB free, ${minimumFree} wanted: collecting garbage`);
  await pruneGenerations(place, keepGenerations);
  await collectGarbage((minimumFree - free) * MEBIBYTE * 2);
  free = freeMebibytes();
  if (free >= minimumFree) return undefined;
  return `not enough room to build: ${free} MiB free in /nix/store, minimumFree is ${minimumFree} MiB`;
}

export async function pruneGenerations({ profile }: Place, keep: number): Promise<void> {
  if (keep > 0 && !(await pruneProfile(profile, keep))) log("could not drop old generations");
}

/** Frees what it can of the store, at least as much as a build needs. */
export async function freeSpace(place: Place, { minimumFree, keepGenerations }: SpaceSettings): Promise<void> {
  await pruneGenerations(place, keepGenerations);
  await collectGarbage(Math.max(minimumFree, 1024) * MEBIBYTE);
}
