/** Takes back what a generation's activation did to the files of a home. Home Manager cleans up only after a generation that it finished. */
import { lstatSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { isThere, linkTarget, remove, resolved } from "../host/files";
import { log } from "../host/log";

/** The paths of a generation's files, relative to the home: each is a link from there into the generation. */
function filesOf(generation: string, folder = ""): string[] {
  return readdirSync(join(generation, "home-files", folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesOf(generation, path) : [path];
  });
}

/** Which of a generation's files the home has links to. Empty as long as its activation has changed no file. */
export function linksInto(home: string, generation: string): string[] {
  const files = resolved(join(generation, "home-files"));
  if (files === undefined) return [];
  return filesOf(generation).filter((path) => linkTarget(join(home, path)) === join(files, path));
}

export function removeLinksInto(home: string, generation: string): void {
  for (const path of linksInto(home, generation)) remove(join(home, path));
}

/** Moves the person's files back that the activation moved aside, each if nothing is in its place. Never overwrites anything. */
export function putBack(home: string, generation: string, suffix: string): void {
  if (resolved(join(generation, "home-files")) === undefined) return;
  for (const path of filesOf(generation)) {
    const [place, aside] = [join(home, path), join(home, `${path}.${suffix}`)];
    if (!isThere(aside)) continue;
    if (isThere(place)) {
      log(`~/${path}: your file stays at ~/${path}.${suffix}, since ${kind(place)} is in its place`);
      continue;
    }
    try {
      renameSync(aside, place);
      log(`~/${path}: your file is back`);
    } catch {
      log(`~/${path}: could not move ~/${path}.${suffix} back`);
    }
  }
}

function kind(path: string): string {
  return lstatSync(path).isSymbolicLink() ? "a link of the former generation" : "another file";
}
