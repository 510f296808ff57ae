/** The settings of the last run, in a file that everyone may read. `status` reads the file instead of asking a server. */
import { join } from "node:path";
import type { CommonSettings } from "./driver";
import { readText, writeFileAtomic, readObject } from "./host/files";

export interface CachedSettings {
  repository?: string;
  branch?: string;
  /** `approved`: the machine does not go to the branch's head by itself. */
  follow?: string;
  fleet?: string;
  stack?: string;
  wave?: string;
}

const NAMES = ["repository", "branch", "follow", "fleet", "stack", "wave"] as const;
const fileIn = (runFolder: string) => join(runFolder, "known.json");

export function writeCachedSettings(runFolder: string, settings: CommonSettings): void {
  const text = JSON.stringify(cachedSettingsOf(settings));
  if (readText(fileIn(runFolder)) === text) return;
  try {
    writeFileAtomic(fileIn(runFolder), text);
  } catch {
    // Only people who run `status` need it.
  }
}

export function readCachedSettings(runFolder: string): CachedSettings {
  return cachedSettingsOf(readObject(fileIn(runFolder)) ?? {});
}

function cachedSettingsOf(item: Record<string, unknown>): CachedSettings {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = item[name];
      return typeof value === "string" && value !== "" ? [[name, value] as const] : [];
    }),
  );
}
