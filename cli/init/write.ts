/** Writes all files of a plan, or none. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FleetError, UsageError } from "../errors";
import { messageOf, reasonOf } from "../../rules/text/system-error";
import { oneLine } from "../../rules/text/text";

/** @throws UsageError if a directory exists and is not empty, or if something else has its name */
export function requireEmpty(directory: string): void {
  if (namesIn(directory).length > 0)
    throw new UsageError(oneLine(`init: ${directory} is not empty; name a new or an empty directory`, 400));
}

/**
 * Whether a directory is the clone of a config repository, which keeps its own files.
 * @throws UsageError if it exists and is neither that nor empty
 */
export function isConfigClone(directory: string): boolean {
  const names = namesIn(directory);
  if (names.length === 0 || names.includes("flake.nix")) return names.length > 0;
  const fix = "name a new or an empty directory, or a clone of your config repository";
  throw new UsageError(oneLine(`init: ${directory} is not empty and has no flake.nix; ${fix}`, 400));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw new UsageError(oneLine(`init: ${directory} is not a directory to write to: ${reasonOf(error)}`, 400));
    }
    return [];
  }
}

/**
 * @param files absolute path → content
 * @throws FleetError when it could not be written; then nothing is left of it
 */
export function writeAll(files: Readonly<Record<string, string>>): void {
  const made: string[] = [];
  try {
    for (const [file, text] of Object.entries(files)) {
      const first = mkdirSync(dirname(file), { recursive: true });
      if (first !== undefined) made.unshift(first);
      writeFileSync(file, text, { flag: "wx" });
      made.unshift(file);
    }
  } catch (error) {
    for (const path of made) if (existsSync(path)) rmSync(path, { recursive: true });
    throw new FleetError("NF211", oneLine(`nothing was written: ${messageOf(error)}`, 400));
  }
}
